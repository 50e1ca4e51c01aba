# Real data in the order of their time: contrib/monitoring/replay says itself what came of it.
use strict;
use warnings;
use FindBin;
use PostgreSQL::Test::Utils;
use Test::More;

my $root = "$FindBin::Bin/../..";
my $data = $ENV{ML_DATA} // "$root/../shared/data";
my $script = "$root/contrib/monitoring/replay";

# without data it says so, and is content
my ($out, $err) = run_command([$script, "$root/src"]);
like($out, qr/^skipped: .* has no electricity\.csv\.gz$/, 'without data it is skipped');
is($?, 0, 'which is no failure');

SKIP:
{
	skip 'no folder of data sets', 1 if !-r "$data/electricity.csv.gz" || !-r "$data/bike_sharing_hour.csv.gz";

	# of the two years and a half as much as has the changes that are known
	($out, $err) = run_command([$script, $data, 16]);
	my $status = $?;
	note($out);
	for my $line (split /\n/, $out)
	{
		next if $line !~ /^(not )?ok - (.*)|^skipped - /;
		ok(!$1, $2 // $line);
	}
	is($status, 0, 'the script found all in order') or diag($err);
}

done_testing();
