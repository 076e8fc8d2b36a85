# SPDX-License-Identifier: Apache-2.0
package IvleJail::Spoil;

# What can be wrong with a file or a directory, for tables of refusals: each of
# these gives code that makes it so.
#
#   my $break = owned_by($uid, $gid, "$run/policy");
#   $break->();

use strict;
use warnings;

use Exporter qw(import);

use IvleJail::Stage qw(run_quietly write_text);

our @EXPORT = qw(owned_by mode removed link_instead file_instead);

sub owned_by {
    my ($uid, $gid, $path) = @_;
    return sub { chown $uid, $gid, $path or die "chown $path: $!" };
}

sub mode {
    my ($mode, $path) = @_;
    return sub { chmod $mode, $path or die "chmod $path: $!" };
}

sub removed {
    my ($path) = @_;
    return sub { run_quietly('rm', '-r', $path) };
}

# What it was is still there, behind a link.
sub link_instead {
    my ($path) = @_;
    return sub {
        rename $path, "$path.real" or die "rename $path: $!";
        symlink "$path.real", $path or die "symlink $path: $!";
    };
}

# An empty one, which whoever may execute it finds to be no program.
sub file_instead {
    my ($path) = @_;
    return sub {
        removed($path)->();
        write_text($path, '');
        mode(0755, $path)->();
    };
}

1;
