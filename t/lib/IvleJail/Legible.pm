# SPDX-License-Identifier: Apache-2.0
package IvleJail::Legible;

# Whether a page in the browser can be read: nothing to scroll sideways, no
# box that hides a part of what is in it, no letters too small or too pale.
#
#   use IvleJail::Legible;
#   legible_ok($browser->phone, 'explain-phone');   # four tests, a picture
#   legible_everywhere($browser, 'explain');        # on a desk, ...
#
# Contrast is that of the WCAG 2.2, success criterion 1.4.3: 4.5 for text.

use strict;
use warnings;

use Exporter qw(import);
use Test::More;

our @EXPORT = qw(legible_ok legible_everywhere);

my $SMALLEST = 12;      # CSS pixels
my $PALEST = 4.5;

# Each text that is seen: [size, contrast, its beginning].  A background is
# opaque or not there.
my $LOOK = <<'JAVASCRIPT';
const numbers = colour => colour.match(/[\d.]+/g).map(Number);
const luminance = ([r, g, b]) => {
    const [R, G, B] = [r, g, b].map(x => x / 255).map(x =>
        x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
    return 0.2126 * R + 0.7152 * G + 0.0722 * B;
};
const behind = element => {
    for (let e = element; e; e = e.parentElement) {
        const colour = numbers(getComputedStyle(e).backgroundColor);
        if (colour[3] !== 0) return colour;
    }
    return [255, 255, 255];
};
const contrast = (a, b) => {
    const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y);
    return (light + 0.05) / (dark + 0.05);
};
const seen = [];
const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walk.nextNode()) {
    const text = walk.currentNode, element = text.parentElement;
    if (!text.data.trim() || !element.checkVisibility()
        || /^(STYLE|SCRIPT)$/.test(element.tagName)) continue;
    const style = getComputedStyle(element);
    seen.push([parseFloat(style.fontSize),
        contrast(numbers(style.color), behind(element)),
        text.data.trim().slice(0, 30)]);
}
return seen;
JAVASCRIPT

# Boxes that hide something at their right: [name, its beginning].
my $CUT = <<'JAVASCRIPT';
return [...document.body.querySelectorAll('*')]
    .filter(e => e.clientWidth > 0 && e.scrollWidth > e.clientWidth + 1
        && getComputedStyle(e).overflowX !== 'visible')
    .map(e => [e.tagName, e.innerText.trim().slice(0, 30)]);
JAVASCRIPT

sub legible_ok {
    my ($browser, $name) = @_;
    my $texts = $browser->js($LOOK);
    my $cut = $browser->js($CUT);
    my @small = grep { $_->[0] < $SMALLEST } @$texts;
    my @pale = grep { $_->[1] < $PALEST } @$texts;

    $browser->picture($name);
    is($browser->overflow, 0, "$name: nothing to scroll sideways");
    ok(!@$cut, "$name: nothing is cut off")
        or diag map { "$_->[0]: $_->[1]\n" } @$cut;
    ok(@$texts && !@small, "$name: no small print")
        or diag map { "$_->[0] px: $_->[2]\n" } @small;
    ok(@$texts && !@pale, "$name: no pale print")
        or diag map { "contrast $_->[1]: $_->[2]\n" } @pale;
}

# On a desk, on a phone, and in the dark.
sub legible_everywhere {
    my ($browser, $name) = @_;

    legible_ok($browser->desktop, "$name-desktop");
    legible_ok($browser->dark(1), "$name-dark");
    legible_ok($browser->phone->dark(0), "$name-phone");
    $browser->desktop;
}

1;
