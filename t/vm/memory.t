# SPDX-License-Identifier: Apache-2.0
#
# memory.t - what an idle warden takes where the kernel gives huge pages to
# everybody, which is Debian's default
#
# For a kernel that does: tools/check-vm.

use strict;
use warnings;

use Test::More;

use IvleJail::Httpd qw(slurp);
use IvleJail::Test;

use constant { CAROL => 75001, KIB_MAX => 512 };

my $HUGE = '/sys/kernel/mm/transparent_hugepage/enabled';

must_be_root();
must_have(scalar((eval { slurp($HUGE) } // '') =~ /\[always\]/),
    'huge pages for everybody');
install();
base('busybox');
add_user(carol => CAROL);
put_program(carol => 'web/id.sh',
    "#!/bin/sh\necho Content-Type: text/plain\necho\nid -u\n");

my $httpd = IvleJail::Httpd->new(name => 'memory');
ok($httpd->start, 'httpd starts') or diag $httpd->output;
is($httpd->get('/my/id.sh', user => 'carol')->{content}, CAROL . "\n",
    'a request is served');
my ($warden) = map { /\@(\d+)$/ } $httpd->jails('warden');
my ($kib) = slurp("/proc/$warden/status") =~ /^RssAnon:\s+(\d+) kB$/m;
cmp_ok($kib, '<', KIB_MAX, 'its warden has little memory of its own');
diag "$kib KiB";
ok($httpd->stop, 'httpd ends');
remove_user('carol');
done_testing();
