# SPDX-License-Identifier: Apache-2.0
# A Perl program with CGI.pm, as there have been for thirty years: a form, a
# file, cookies, a redirect.  It runs by its first line, tainted.
use strict;
use warnings;

use Digest::MD5 qw(md5_hex);
use HTTP::Request::Common ();
use Test::More;

use IvleJail::Connection qw(ask);
use IvleJail::Test;

must_be_root();
install();
base('debian');

my $httpd = IvleJail::Httpd->new(name => 'perl', config => <<"CONF");
IvleJailBase $BASES/debian
CONF
my $address = "127.0.0.1:$httpd->{port}";

put_program(alice => 'web/form.pl', <<'PERL');
#!/usr/bin/perl -T
use strict;
use warnings;
use CGI;
use CGI::Carp;
use Digest::MD5 qw(md5_hex);

my $q = CGI->new;
my $todo = $q->path_info;
if ($todo eq '/away') {
    print $q->redirect(-uri => $q->url . '/there', -status => 307,
        -cookie => [$q->cookie('a', 'x y'), $q->cookie('b', '2')]);
}
elsif ($todo eq '/die') {
    die 'as it was told to';
}
elsif (my $file = $q->upload('file')) {
    local $/;
    binmode $file;
    my $bytes = <$file>;
    print $q->header('text/plain'), join '|', $q->param('title'),
        $q->param('file'), length $bytes, md5_hex($bytes);
}
else {
    print $q->header(-type => 'text/html', -charset => 'utf-8'),
        $q->start_html($q->param('title') // 'none'),
        $q->p(join ' ', $q->request_method, $q->url(-path => 1, -query => 1)),
        $q->ul($q->li([map { $q->escapeHTML($_) } $q->multi_param('n')])),
        $q->p($q->cookie('a') // 'no cookie', $q->remote_user),
        $q->end_html;
}
PERL

sub alice {
    my ($method, $path, %arg) = @_;
    my %headers = (Host => $address, %{ delete $arg{headers} // {} });
    return ask($httpd->{port}, $method, "/my/form.pl$path", user => 'alice',
        headers => \%headers, %arg);
}

# What a browser makes of a form.
sub form {
    my $form = HTTP::Request::Common::POST('http://x/', @_);
    return (body => $form->content,
        headers => { 'Content-Type' => $form->header('Content-Type') });
}

my $url = "http://$address/my/form.pl";
ok($httpd->start, 'httpd starts') or diag $httpd->output;

my $answer = alice(GET => '/a%20path?n=1;n=%3Cb%3E;title=T');
is($answer->{code}, 200, 'a page made with CGI.pm');
is($answer->{headers}{'content-type'}, 'text/html; charset=utf-8', '... HTML');
like($answer->{body}, qr{<p>GET \Q$url\E/a%20path\?n=1;n=%3Cb%3E;title=T</p>},
    '... whose URL it finds out');
like($answer->{body}, qr{<li>1</li>\s*<li>&lt;b&gt;</li>}, '... parameters');
like($answer->{body}, qr{<p>no cookie alice</p>}, '... and who asks for it');

$answer = alice(POST => '', form([n => 'x', n => "\xc3\xbc & =", title => 'P']));
like($answer->{body}, qr{<title>P</title>.*<li>x</li>\s*<li>[^<]* &amp; =</li>}s,
    'a form that was sent');

my $bytes = join '', map { chr(($_ * 13 + ($_ >> 8)) & 255) } 1 .. 1_000_000;
$answer = alice(POST => '', form(Content_Type => 'form-data', Content => [
    title => 'a title', file => [undef, 'some file.bin', Content => $bytes]]));
is($answer->{body}, 'a title|some file.bin|1000000|' . md5_hex($bytes),
    'a file of 1 MB');
is_deeply([glob "$USERS/alice/tmp/CGItemp*"], [], '... of which nothing stays');

$answer = alice(GET => '/away');
is("$answer->{code} $answer->{headers}{location}", "307 $url/there",
    'a redirect');
is($answer->{headers}{'set-cookie'}, 'a=x%20y; path=/, b=2; path=/',
    '... with both cookies');
like(alice(GET => '/there', headers => { Cookie => 'b=2; a=x%20y' })->{body},
    qr{<p>x y alice</p>}, '... which it reads');

is(alice(GET => '/die')->{code}, 500, 'a program that dies');
like($httpd->error_log, qr/stderr of 'alice':.* form\.pl: as it was told to /,
    '... is heard of');

$httpd->stop;
done_testing();
