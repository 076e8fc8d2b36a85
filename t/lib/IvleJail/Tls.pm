# SPDX-License-Identifier: Apache-2.0
package IvleJail::Tls;

# TLS and HTTP/2 for a private httpd: a second port, with a certificate that
# nobody trusts ("curl -k").
#
#   my $httpd = IvleJail::Httpd->new(name => 'x');
#   $httpd->write_config(tls($httpd) . $config);
#   ... "https://127.0.0.1:" . tls_port($httpd)

use strict;
use warnings;

use Exporter qw(import);

use IvleJail::Stage qw(run_quietly);

our @EXPORT = qw(tls tls_port);

my $MODULES = '/usr/lib/apache2/modules';

sub tls_port {
    my ($httpd) = @_;
    return $httpd->{port} + 1;
}

# Makes the certificate, and returns the configuration.
sub tls {
    my ($httpd) = @_;
    my $port = tls_port($httpd);
    my ($key, $cert) = map { "$httpd->{dir}/conf/$_.pem" } qw(key cert);

    run_quietly(qw(openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj
        /CN=127.0.0.1 -keyout), $key, '-out', $cert);
    return <<"CONF";
LoadModule http2_module $MODULES/mod_http2.so
<IfModule !socache_shmcb_module>
    LoadModule socache_shmcb_module $MODULES/mod_socache_shmcb.so
</IfModule>
<IfModule !ssl_module>
    LoadModule ssl_module $MODULES/mod_ssl.so
</IfModule>
Protocols h2 h2c http/1.1
Listen 127.0.0.1:$port https
<VirtualHost 127.0.0.1:$port>
    SSLEngine on
    SSLCertificateFile $cert
    SSLCertificateKeyFile $key
</VirtualHost>
CONF
}

1;
