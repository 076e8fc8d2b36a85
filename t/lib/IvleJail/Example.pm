# SPDX-License-Identifier: Apache-2.0
package IvleJail::Example;

# An example of conf/ as a test can run it: with the test's port, base image,
# password file and host names, without a limit that other tests' processes
# count against, and as it is in everything else.
#
#   my $httpd = IvleJail::Httpd->new(name => 'pages');
#   write_without_login($httpd, example($httpd, 'public'));
#
# www.example.org becomes www.example.test, which is this machine to
# IvleJail::Browser.

use strict;
use warnings;

use Exporter qw(import);

use IvleJail::Httpd qw(slurp);
use IvleJail::Stage qw($TOP $BASES);

our @EXPORT = qw(example write_without_login);

sub example {
    my ($httpd, $name) = @_;
    my $text = slurp("$TOP/conf/$name.conf");
    $text =~ s{/var/lib/ivlejail/bases/\w+}{$BASES/busybox}g;
    $text =~ s{/etc/apache2/htpasswd}{$httpd->{dir}/conf/htpasswd}g;
    $text =~ s{\*:80\b}{127.0.0.1:$httpd->{port}}g;
    $text =~ s{\bexample(\\?\.)org\b}{example$1test}g;
    return "IvleJailLimit nproc unlimited\n$text";
}

# A configuration on top of stock.conf without its /my/, which is a login on
# all virtual hosts.
sub write_without_login {
    my ($httpd, $config) = @_;
    my $stock = slurp("$TOP/t/conf/stock.conf");
    $stock =~ s{^IvleJailAlias /my/ .*}{}ms;
    $httpd->write_file('conf/httpd.conf', $httpd->defines . $stock . $config);
}

1;
