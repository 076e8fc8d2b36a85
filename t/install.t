# SPDX-License-Identifier: Apache-2.0
# "make install": what is where, whose it is, and how the helpers are linked;
# "make uninstall" takes all of it away but the data.
use strict;
use warnings;

use File::Find qw(find);
use File::Path qw(remove_tree);
use Test::More;

use IvleJail::Test;

must_be_root();
must_have_program(qw(make readelf nm apxs));

my $dest = "$ROOT/install-test";
my $apache_modules = run_quietly('apxs', '-q', 'LIBEXECDIR') =~ s/\s+$//r;
remove_tree($dest);

sub make_target {
    my ($target) = @_;
    return run_quietly('make', '-s', '-C', $TOP, "DESTDIR=$dest", $target);
}

# Every file with its mode, owner and group: path => "0755 root:root".
sub installed {
    my %found;
    find(sub {
        my ($mode, $uid, $gid) = (lstat)[2, 4, 5];
        $found{substr $File::Find::name, length $dest} = sprintf '%04o %s:%s',
            $mode & 07777, scalar getpwuid $uid, scalar getgrgid $gid
            if -f _;
    }, $dest);
    return \%found;
}

sub readelf {
    my ($option, $file) = @_;
    return run_quietly('readelf', $option, "$dest$file");
}

make_target('install');
my $files = installed();
my $helpers = '/usr/lib/ivlejail';
my %wanted = (
    "$helpers/trampoline" => '4750 root:www-data',
    "$helpers/warden" => '0711 root:root',
    "$helpers/timount" => '0755 root:root',
    "$helpers/provision" => '0755 root:root',
    "$helpers/cgroup" => '0755 root:root',
    "$helpers/base-build" => '0755 root:root',
    '/usr/sbin/ivlejailctl' => '0755 root:root',
    "$apache_modules/mod_ivlejail.so" => '0644 root:root',
    '/usr/share/doc/ivlejail/README' => '0644 root:root',
    '/usr/share/doc/ivlejail/teaching.conf' => '0644 root:root',
    '/usr/share/doc/ivlejail/public.conf' => '0644 root:root',
);
if (-d '/etc/apache2/mods-available') {
    $wanted{"/etc/apache2/mods-available/ivlejail.$_"} = '0644 root:root'
        for qw(load conf);
    $wanted{'/usr/lib/systemd/system/apache2.service.d/ivlejail.conf'}
        = '0644 root:root';
}
is($files->{$_}, $wanted{$_}, "$_ is $wanted{$_}") for sort keys %wanted;
is_deeply([grep { $files->{$_} =~ /^[2467]/ } sort keys %$files],
    ["$helpers/trampoline"], 'one file is set-user-id, none set-group-id');
ok(-d "$dest/var/lib/ivlejail/$_", "there is a directory for $_")
    for qw(bases users);

for my $helper (map { "$helpers/$_" } qw(trampoline timount provision
    warden)) {
    unlike(readelf('-l', $helper), qr/INTERP/, "$helper is static");
    like(readelf('-h', $helper), qr/Type:\s+DYN/, '... at a random address');
    like(readelf('-l', $helper), qr/GNU_RELRO/, '... relocated read-only');
    unlike(readelf('-l', $helper), qr/GNU_STACK.*\n.* RWE /,
        '... without an executable stack');
    like(readelf('-s', $helper), qr/__stack_chk_fail/, '... and guarded');
}
my $module = "$dest$apache_modules/mod_ivlejail.so";
is_deeply([map { (split ' ')[-1] } split /\n/,
    run_quietly('nm', '-D', '--defined-only', $module)], ['ivlejail_module'],
    'the module exports the symbol that httpd looks for, and no other');
like(readelf('-d', "$apache_modules/mod_ivlejail.so"), qr/BIND_NOW|FLAGS.*NOW/,
    '... and is bound at once');

# What the setuid helper says to a caller of this uid, in httpd's group.
sub answer_to {
    my ($uid) = @_;
    my $group = getgrnam 'www-data';
    my @as = ('setpriv', '--reuid', $uid, '--regid', $group, '--clear-groups');
    eval { run_quietly(@as, "$dest$helpers/trampoline", 'nonesuch', 'default',
        'alice') };
    return $@;
}

like(answer_to(65534), qr/IJ2021/, 'not everybody may call the trampoline');
like(answer_to(33), qr/IJ20(?!21)/, '... but the uid that was built in may');

my $conf = "$dest/etc/apache2/mods-available/ivlejail.conf";
open(my $edit, '>>', $conf) or die "$conf: $!";
print {$edit} "# edited\n";
close $edit;
make_target('install');
is((stat $conf)[7], (stat "$TOP/conf/debian/ivlejail.conf")[7] + 9,
    'what the administrator wrote survives another installation');
make_target('uninstall');
is_deeply([map { "$dest$_" } keys %{ installed() }], [$conf],
    '... and is all that stays when it is uninstalled');
unlink $conf;
make_target('install');
make_target('uninstall');
is_deeply(installed(), {}, 'uninstalled: no file stays');
ok(-d "$dest/var/lib/ivlejail/users", '... but the data');

remove_tree($dest);
done_testing();
