# SPDX-License-Identifier: Apache-2.0
# Without a login there is no jail: whatever else says who somebody is, and
# whatever a configuration grants.  With one there is none for a name that
# cannot be a user's.
use strict;
use warnings;

use Apache::Test qw(-withtestmore);
use File::Path qw(make_path);

use IvleJail::Connection qw(ask);
use IvleJail::Httpd qw(htpasswd_of slurp);
use IvleJail::Test;

my $port = Apache::Test::vars('port');
my $server = Apache::Test::vars('serverroot');
my $error_log = "$server/logs/error_log";

my $PAGE = <<'SH';
#!/bin/sh
echo Content-Type: text/plain
echo
echo "ran as $REMOTE_USER $QUERY_STRING"
SH

my $AGAIN = <<'SH';
#!/bin/sh
test -z "$QUERY_STRING" && printf 'Location: %s?again\n\n' "$SCRIPT_NAME"
echo Content-Type: text/plain
echo
echo "ran as $REMOTE_USER $QUERY_STRING"
SH

my @alice = (user => 'alice');
my @wrong = (user => 'alice', password => 'guess');
my @claims = (headers => { 'Remote-User' => 'alice', REMOTE_USER => 'alice',
    'X-Remote-User' => 'alice', 'X-Forwarded-User' => 'alice' });

# Where, with what, the answer; what the log says, if it is ours to say.
my $NO_REQUIRE = qr/IJ0001: no authenticated user for .*"Require valid-user"/;
my $NO_AUTH = qr/IJ0002: no authenticated user for .*AuthType and Require/;
my $REFUSED = qr/IJ0007: /;
my @NOBODY = (
    ['valid', [], 401],
    ['valid', \@claims, 401],
    ['valid', \@wrong, 401],
    ['valid', [user => 'alice', password => ''], 401],
    ['valid', [user => ''], 401],
    ['valid', [user => 'mallory'], 401],
    ['valid', [headers => { Authorization => 'Basic' }], 401],
    ['valid', [headers => { Authorization => 'Basic YWxpY2U=' }], 401],
    ['valid', [headers => { Authorization => 'Bearer alice' }], 401],
    ['bob', \@alice, 401],
    ['denied', \@alice, 403],
    ['empty', \@alice, 403, qr/IJ0004: '' cannot be the name/],
    ['nothing', [], 403, $NO_AUTH],
    ['nothing', \@alice, 403, $NO_AUTH],
    ['granted', [], 403, $NO_AUTH],
    ['granted', \@alice, 403, $NO_AUTH],
    ['granted', \@claims, 403, $NO_AUTH],
    ['type-none', \@alice, 403, $NO_AUTH],
    (map { [$_, [], 401, $NO_REQUIRE], [$_, \@alice, 401, $NO_REQUIRE],
        [$_, \@wrong, 401, $NO_REQUIRE] }
        qw(basic-granted any address satisfy limit variable)),
    ['setenv', [], 403, $NO_AUTH],
    ['lua', [], 403, $NO_AUTH],
    ['expression', [], 403, $NO_AUTH],
    ['page', [], 401, $NO_REQUIRE],
    ['page', \@wrong, 401, $REFUSED],
    ['page-elsewhere', \@wrong, 401, $NO_AUTH],
    ['page-bob', \@alice, 401, $REFUSED],
    ['page-forbidden', \@alice, 403, $REFUSED],
    ['page-lenient', \@alice, 500, $REFUSED],
);

# Who may log in, but cannot have a jail.
my @NAMES = ('../alice', '..', '.', 'a/b', '/alice', 'alice/', 'alice@home',
    'alice@', 'Alice', 'ALICE', '.alice', '-alice', 'a..b', 'al ice',
    'alice ', '%u', '$1', '*', 'alice\\', "al\xc3\xafce", 'x' x 33,
    'x' x 300);

sub name_of {
    my ($where, $with) = @_;
    my %with = @$with;
    return "$where, " . join ' ', $with{password} ? 'wrong password' : (),
        $with{user} ? "as $with{user}" : !$with{user} && !$with{headers}
        ? 'without a login' : (), sort keys %{ $with{headers} // {} };
}

# The answer, and the lines of the log about it.
sub ask_for {
    my ($path, @with) = @_;
    my $mark = log_mark($error_log);
    my $answer = ask($port, GET => $path, @with);
    return ($answer, log_since($mark));
}

# Says "nothing wrong" by saying nothing.
sub wrong_with {
    my ($where, $with, $code, $logged) = @_;
    my ($answer, $log) = ask_for("/auth/$where/page.sh", @$with);
    my $challenge = $answer->{headers}{'www-authenticate'} // '';
    my @wrong;
    push @wrong, "status $answer->{code}" if $answer->{code} != $code;
    push @wrong, 'it ran' if $answer->{body} =~ /ran as/;
    push @wrong, "challenge '$challenge'"
        if ($code == 401) != ($challenge eq 'Basic realm="jail"');
    push @wrong, "log: $log" if $logged ? $log !~ $logged : $log =~ /IJ000/;
    return \@wrong;
}

sub jails {
    return [map { /^pin auth@[0-9a-f]{8} (\S+)$/ ? $1 : () } split /\n/,
        run_quietly($TIMOUNT, $INSTANCE, 'list')];
}

plan tests => @NOBODY + 3 * @NAMES + 10;

open(my $out, '>', "$server/conf/auth.htpasswd") or die "htpasswd: $!";
print {$out} htpasswd_of(qw(alice bob), @NAMES, 'x' x 32);
close $out or die "htpasswd: $!";
for my $user (qw(alice bob)) {
    put_program($user => "auth/$_/page.sh", $PAGE)
        for map { $_->[0] } @NOBODY;
}
put_program(alice => 'auth/valid/again.sh', $AGAIN);
make_path("$server/htdocs/auth-pages");
open($out, '>', "$server/htdocs/auth-pages/page.shtml") or die "page: $!";
print {$out} qq{before\n<!--#include virtual="/auth/valid/page.sh" -->\n};
close $out or die "page: $!";

is_deeply(wrong_with(@$_), [], name_of(@$_)) for @NOBODY;

for my $name (@NAMES) {
    my $shown = length $name > 40 ? substr($name, 0, 40) . '...' : $name;
    my ($answer, $log) = ask_for('/auth/valid/page.sh', user => $name);
    is($answer->{code}, 403, "'$shown'");
    (my $escaped = $name) =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ge;
    $escaped =~ s/\\(?!x)/\\\\/g;
    like($log, qr/IJ0004: '\Q$escaped\E' cannot be the name.*IvleJailUser/,
        '... is said to be wrong');
    like($log, qr/\[pid \d+\] \[[\w+\/-]{11}\] .*IJ0004/,
        "... with the request's id");
}
my ($answer, $log) = ask_for('/auth/valid/page.sh', user => 'x' x 32);
is($answer->{code}, 403, 'a name of 32 bytes is nobody');
like($log, qr/IJ2040: 'x{32}'/, '... but a name');

$answer = ask($port, GET => '/auth-pages/page.shtml');
like($answer->{body}, qr/\Abefore\n\[an error/,
    "a page cannot include what wants a login, without one");

is_deeply(jails(), [], 'there is no jail');

$answer = ask($port, GET => '/auth/valid/page.sh', @alice);
is($answer->{body}, "ran as alice \n", 'a login makes one');
$answer = ask($port, GET => '/auth/valid/none.sh', @alice);
is("$answer->{code} $answer->{body}", "404 ran as alice error=404\n",
    'an error page may be jailed, after a login');
$answer = ask($port, GET => '/auth/valid/again.sh', @alice);
is($answer->{body}, "ran as alice again\n", '... a page lead to itself');
$answer = ask($port, GET => '/auth/valid/page.sh?rewrite', @alice);
is($answer->{body}, "ran as alice rewritten\n", '... or be led to');
$answer = ask($port, GET => '/auth-pages/page.shtml', @alice);
like($answer->{body}, qr/\Abefore\nran as alice/, '... or be included');
is_deeply(jails(), ['alice'], "there is alice's jail");
