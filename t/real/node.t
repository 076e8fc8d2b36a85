# SPDX-License-Identifier: Apache-2.0
# Node.js with the limits and the filter that jails have where nothing is said:
# a program that reads its input in the main thread, computes in another one,
# and prints; and the program of a user who takes more memory than there is.
use strict;
use warnings;

use Digest::SHA qw(sha256_hex);
use Test::More;

use IvleJail::Httpd;
use IvleJail::Test;

must_be_root();
install();
base('debian');

my $httpd = IvleJail::Httpd->new(name => 'node',
    config => "IvleJailBase $BASES/debian\n");

put_program(alice => 'web/worker.js', <<'JS');
#!/usr/bin/node
const { Worker, isMainThread, parentPort, workerData } =
    require('worker_threads');
const { createHash } = require('crypto');

if (isMainThread) {
    const pieces = [];
    process.stdin.on('data', piece => pieces.push(piece));
    process.stdin.on('end', () => {
        new Worker(__filename, { workerData: Buffer.concat(pieces) })
            .on('message', digest => process.stdout.write(
                'Content-Type: text/plain\r\n\r\n'
                + `${process.env.REQUEST_METHOD} ${digest}\n`));
    });
} else {
    parentPort.postMessage(
        createHash('sha256').update(workerData).digest('hex'));
}
JS

# Twice what IvleJailLimit data allows, and not all that the machine has.
put_program(alice => 'web/greedy.js', <<'JS');
#!/usr/bin/node
const all = [];
while (all.length < 64) {
    all.push(Buffer.alloc(16 << 20, 1));
}
process.stdout.write(`Content-Type: text/plain\r\n\r\n${all.length}\n`);
JS

sub digest_ok {
    my ($content, $name) = @_;
    my $r = $httpd->request('POST', '/my/worker.js', user => 'alice',
        content => $content);
    is("$r->{status} $r->{content}",
        '200 POST ' . sha256_hex($content) . "\n", $name);
}

$httpd->start or BAIL_OUT($httpd->output);

for my $size (0, 3, 1 << 20) {
    my $content = join '', map { chr(($_ * 7 + ($_ >> 8)) % 256) } 1 .. $size;
    digest_ok($content,
        "$size bytes through another thread, with the default limits");
}

my $mark = log_mark("$httpd->{dir}/logs/error_log");
my $r = $httpd->get('/my/greedy.js', user => 'alice');
is($r->{status}, 500, 'who takes more than IvleJailLimit data is ended');
like(log_since($mark), qr/at its limit of memory \(IvleJailLimit data\)/,
    '... for that');
digest_ok('x', '... and others are not');
ok($httpd->stop, 'httpd ends');
done_testing();
