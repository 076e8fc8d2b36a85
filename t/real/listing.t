# SPDX-License-Identifier: Apache-2.0
# The listing of a directory in a real browser, on a desk and on a phone: it
# is in order, it can be read, no name in it is taken for markup, and each
# leads to its file.
use strict;
use warnings;
use utf8;

use Encode qw(encode_utf8);
use Test::More;

use IvleJail::Browser;
use IvleJail::Httpd;
use IvleJail::Legible;
use IvleJail::Test;

must_be_root();
must_have_program(qw(chromium chromedriver));
install();
base('busybox');

my $httpd = IvleJail::Httpd->new(name => 'listing', config => <<"CONF");
IvleJailListing On
CONF

# In the order of the page: directories first, the case of letters aside.
my @names = ('Lectures 2026/', 'src/', '  two  spaces ',
    '"><img src=x onerror="document.title = 1">', '%41 100%.txt',
    '<script>document.title = 1<', '?a=b&amp;c#d', 'Apple \'so\'',
    'banana & co.txt', 'CAPITAL.TXT', 'javascript:document.title=1',
    'long_' . 'name_' x 40 . '.txt', 'Straße 日本.txt');
put_file(alice => 'web/files/' . encode_utf8(m{/$} ? "${_}x" : $_),
    encode_utf8($_)) for @names;

my $browser = IvleJail::Browser->new;

sub names_shown {
    return $browser->js('return [...document.querySelectorAll("tbody a")]
        .map(a => a.textContent)');
}

ok($httpd->start, 'httpd starts') or diag $httpd->output;
$browser->open("http://127.0.0.1:$httpd->{port}/my/files/", user => 'alice');
is_deeply(names_shown(), \@names, 'a directory is listed, in order');
is($browser->js('return document.querySelectorAll("script,img").length'), 0,
    '... names that look like markup are none');
is($browser->title, '/my/files/', '... and nothing of them ran');
my @paths = @{ $browser->js('return [...document.querySelectorAll("tbody a")]
    .map(a => a.pathname + a.search + a.hash)') };
for my $i (grep { $names[$_] !~ m{/$} } 0 .. $#names) {
    is($httpd->get($paths[$i], user => 'alice')->{content},
        encode_utf8($names[$i]), "... $paths[$i] is its file");
}
legible_everywhere($browser, 'listing');
$browser->js('document.querySelector("tbody a").click()');
ok(wait_until(60, sub { $browser->url =~ m{/my/files/Lectures%202026/$} }),
    'a directory in it');
is_deeply(names_shown(), ['x'], '... is listed when it is clicked at');
$browser->js('document.querySelector("a").click()');
ok(wait_until(60, sub { $browser->url =~ m{/my/files/$} }),
    '... and leads back to the one that it is in');

$browser->quit;
$httpd->stop;
done_testing();
