# SPDX-License-Identifier: Apache-2.0
#
# readonly.t - a program can write to its home and its /tmp, and nowhere else,
# whatever the modes and owners of files in the base image say

use strict;
use warnings;

use File::Path qw(make_path);
use Test::More;

use IvleJail::Instance;

use constant ALICE => 76001;

# What the image has by mistake: path, type, owner, mode.
my @OPEN = (
    [ 'var/open', 'directory', 0, 0777 ],
    [ 'var/open/file', 'file', 0, 0666 ],
    [ 'var/mine', 'directory', ALICE, 0700 ],
    [ 'var/mine/file', 'file', ALICE, 0600 ],
    [ 'open', 'directory', 0, 0777 ],
    [ 'bin/open', 'file', ALICE, 0777 ],
);

# Tries everything, says where it worked.
my $SCRIPT = <<'SH';
try() { (eval "$1") 2>/dev/null && echo "$2"; }
find / -path /proc -prune -o -type d -print | while read -r d; do
    try ': > "$d/.new"' "created in $d"
    try 'mkdir "$d/.dir"' "made a directory in $d"
    try 'chmod 0700 "$d"' "changed the mode of $d"
done
find / -path /proc -prune -o -type f ! -name .new ! -name script -print |
    while read -r f; do
    try ': >> "$f"' "opened $f"
    try 'touch "$f"' "touched $f"
    try 'rm "$f"' "removed $f"
done
SH

my $i = IvleJail::Instance->new('treadonly');
my $base = $i->copy_base('open');
for my $file (@OPEN) {
    my ($path, $type, $owner, $mode) = @$file;
    $type eq 'directory' ? make_path("$base/$path")
        : IvleJail::Instance::spew("$base/$path", "x\n");
    chown $owner, $owner, "$base/$path";
    chmod $mode, "$base/$path";
}
$i->seal(base => $base);
$i->add_user(alice => ALICE);
IvleJail::Instance::spew($i->home('alice') . '/old', '');
chown ALICE, ALICE, $i->home('alice') . '/old';

my %done = map { $_ => 1 } split /\n/, $i->output_of('alice', $SCRIPT);
my @allowed = (
    (map { ("created in $_", "made a directory in $_",
            "changed the mode of $_") } '/home/alice', '/tmp'),
    (map { ("$_ /home/alice/old") } qw(opened touched removed)),
);

plan tests => @allowed + @OPEN + 3;

ok(delete $done{$_}, $_) for @allowed;
delete $done{$_} for grep { m{ /(?:home/alice|tmp)/\.dir$} } keys %done;
is_deeply([ sort keys %done ], [], 'nothing else');

for my $file (@OPEN) {
    my ($path, $type) = @$file;
    my $target = $type eq 'file' ? "/$path" : "/$path/new";
    like($i->output_of('alice', ": > $target"), qr/Read-only file system/,
        "$path: it is the mount that refuses");
}
is($i->output_of('alice', '(: > /home/x); (: > /home/.passwd)') =~ s/^.*: //gmr,
    "Permission denied\nPermission denied\n", '/home itself is root\'s');
$i->finish;
