# SPDX-License-Identifier: Apache-2.0
package IvleJail::Twin;

# The same program in alice's jail and under mod_cgid, and what a client gets
# of both, so that it can be compared (t/conf/cgi.conf.in).
#
#   put_twin(hello => 'echo Content-Type: text/plain; echo; echo hello');
#   is_deeply(twin_answer(jail => 'hello'), twin_answer(host => 'hello'));

use strict;
use warnings;

use Apache::Test ();
use Digest::SHA qw(sha1_hex);
use Exporter qw(import);
use File::Path qw(make_path);

use IvleJail::Connection qw(ask);
use IvleJail::Test;

our @EXPORT_OK = qw(put_twin twin_answer comparable request_name);

my @PARTS = qw(code reason lines body interim);

# A shell script; a text that begins with "#!" is put as it is.
sub put_twin {
    my ($name, $text) = @_;
    my $dir = Apache::Test::vars('serverroot') . '/cgi';
    $text = "#!/bin/sh\n$text\n" if $text !~ /\A#!/;
    put_program(alice => "cgi/$name", $text);
    make_path($dir, { mode => 0755 });
    open(my $out, '>', "$dir/$name") or die "$name: $!";
    print {$out} $text;
    close $out or die "$name: $!";
    chmod 0755, "$dir/$name" or die "$name: $!";
}

# An answer without what depends on the moment, which decides also whether
# httpd knows its length in time, and on the place.
sub comparable {
    my ($place, $answer) = @_;
    my %same = %$answer{@PARTS};
    $same{lines} = [sort grep {
        !/\A(?:Date|Content-Length|Transfer-Encoding):/i } @{ $same{lines} }];
    s{/cgi/$place/}{/cgi/PLACE/}g for $same{body}, @{ $same{lines} };
    $same{body} = length($same{body}) . ' bytes, ' . sha1_hex($same{body})
        if length $same{body} > 2000;
    return \%same;
}

# What the program of a place ("jail", "host") answers; the rest is ask()'s.
sub twin_answer {
    my ($place, $path, $method, @arg) = @_;
    return comparable($place, ask(Apache::Test::vars('port'), $method // 'GET',
        "/cgi/$place/$path", user => 'alice', @arg));
}

# A test's name.
sub request_name {
    my ($path, $method, %arg) = @_;
    my $body = defined $arg{body} ? ', ' . length($arg{body}) . ' bytes'
        : $arg{chunks} ? ', ' . @{ $arg{chunks} } . ' chunks' : '';
    my @headers = sort keys %{ $arg{headers} // {} };
    my $headers = @headers > 5 ? ', ' . @headers . ' headers'
        : join '', map { ", $_" } @headers;
    return ($method // 'GET') . " $path$body$headers";
}

1;
