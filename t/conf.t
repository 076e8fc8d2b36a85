# SPDX-License-Identifier: Apache-2.0
# The examples in conf/ can be loaded as they are, and teaching.conf shows
# every directive that the module has.
use strict;
use warnings;

use Test::More;

use IvleJail::Httpd qw(slurp);
use IvleJail::Test;

must_be_root();
install();

my $modules = '/usr/lib/apache2/modules';
my @load = map { ('-C', "LoadModule ${_}_module $modules/mod_$_.so") }
    ('mpm_' . mpm(), qw(authz_core authn_core authn_file authz_user auth_basic
    env setenvif));

# httpd with a file as its whole configuration; what it prints, or undef.
sub httpd {
    my ($file, @arguments) = @_;
    my $text = eval {
        run_quietly('apache2', '-f', $file, @load, '-C', 'ErrorLog /dev/null',
            '-C', 'ServerName localhost', '-C', "DefaultRuntimeDir /run",
            '-C', "LoadModule ivlejail_module $MODULE", @arguments)
    };
    diag $@ if !defined $text;
    return $text;
}

my @examples = glob "$TOP/conf/*.conf $TOP/conf/debian/*.conf";
cmp_ok(@examples, '>=', 3, 'there are examples');
for my $file (@examples) {
    my $name = substr $file, length("$TOP/");
    my $said = httpd($file, '-t');
    like($said, qr/Syntax OK/, "$name can be loaded");
    # but for what is not installed here, and where it would be, and for
    # limits that this kernel does not have
    $said =~ s/^.*(?:IJ0140|IJ0141|IJ0155): .*\n//mg;
    unlike($said, qr/IJ\d{4}: /, '... without a warning of ours');
}

my $teaching = slurp("$TOP/conf/teaching.conf");
my @directives = map { /^<?(IvleJail\w+)>? \(mod_ivlejail\.c\)/ ? $1 : () }
    split /\n/, httpd("$TOP/conf/plain.conf", '-L');
cmp_ok(@directives, '>=', 20, 'the module has directives');
like($teaching, qr/^\s*#?\s*<?\Q$_\E\b/m, "teaching.conf shows $_")
    for @directives;

my $plain = slurp("$TOP/conf/plain.conf");
my ($text) = $plain =~ /^(IvleJailBase .*)/ms;
my ($readme) = slurp("$TOP/README") =~
    /^(    IvleJailBase .*?    <\/Location>\n)/ms;
$readme =~ s/^    //mg;
is($readme, $text, 'the README shows plain.conf as it is');

done_testing();
