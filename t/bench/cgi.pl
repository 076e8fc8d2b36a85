#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
#
# cgi.pl - what cgi.c does, in Perl

use strict;
use warnings;

my $count = read STDIN, my $body, $ENV{CONTENT_LENGTH} || 0;
my $rest = $ENV{QUERY_STRING} - 10;
printf "Content-Type: text/plain\n\n%09d\n", $count;
print 'x' x $rest;
