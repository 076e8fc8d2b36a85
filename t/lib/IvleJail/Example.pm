# SPDX-License-Identifier: Apache-2.0
package IvleJail::Example;

# An example of conf/ as a test can run it: with the test's port, base image,
# password file and host names, and as it is in everything else.
#
#   my $httpd = IvleJail::Httpd->new(name => 'pages');
#   $httpd->write_config(example($httpd, 'public'));
#
# www.example.org becomes www.example.test, which is this machine to
# IvleJail::Browser.

use strict;
use warnings;

use Exporter qw(import);

use IvleJail::Httpd qw(slurp);
use IvleJail::Stage qw($TOP $BASES);

our @EXPORT = qw(example);

sub example {
    my ($httpd, $name, $base) = @_;
    my $text = slurp("$TOP/conf/$name.conf");
    my $to = $base // 'busybox';
    $text =~ s{/var/lib/ivlejail/bases/\w+}{$BASES/$to}g;
    $text =~ s{/etc/apache2/htpasswd}{$httpd->{dir}/conf/htpasswd}g;
    $text =~ s{\*:80\b}{127.0.0.1:$httpd->{port}}g;
    $text =~ s{\bexample(\\?\.)org\b}{example$1test}g;
    return $text;
}

1;
