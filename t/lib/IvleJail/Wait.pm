# SPDX-License-Identifier: Apache-2.0
package IvleJail::Wait;

# Waiting for what must happen, by looking at it again and again.
#
#   wait_until(60, sub { -e $file }) or die "no $file\n";

use strict;
use warnings;

use Exporter qw(import);
use Time::HiRes qw(sleep time);

our @EXPORT_OK = qw(wait_until);

# Returns whether it has, within so many seconds; looks every 20 ms, or so many
# seconds.  Whoever was late, as the machine did something else, looks once more.
sub wait_until {
    my ($seconds, $condition, $pause) = @_;
    my $end = time + $seconds;
    while (1) {
        my $is_last = time >= $end;
        return 1 if $condition->();
        return 0 if $is_last;
        sleep($pause // 0.02);
    }
}

1;
