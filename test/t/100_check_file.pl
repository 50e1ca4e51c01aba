# ml.check_file: files of every kind, and that its verdict is COPY's.
#
# The last part writes some hundred random files and lets COPY read each into a table of text columns: COPY must refuse
# what does not pass, at the line that the answer names, and take what passes, with as many rows as were counted.
use strict;
use warnings;
use POSIX qw(mkfifo);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use MlTest;

my $node = ml_cluster('main', allows_streaming => 1);
my $dir = $node->basedir . '/files';
mkdir $dir;

sub put
{
	my ($name, $bytes) = @_;

	open(my $file, '>:raw', "$dir/$name") or die "$name: $!";
	print $file $bytes;
	close($file);
	return;
}

# What does not pass of a file, as "name status observed", skipped rows left out unless there is nothing else.
sub failures
{
	my ($name, $arguments, %options) = @_;

	$arguments = defined $arguments ? ", $arguments" : '';
	return $node->safe_psql('postgres', "SELECT string_agg(concat_ws(' ', name, column_name, observed), E'\\n')
		FROM ml.check_file('$dir/$name'$arguments) WHERE status = 'fail'", %options);
}

sub column
{
	my ($name, $row, $expression, $arguments) = @_;

	$arguments = defined $arguments ? ", $arguments" : '';
	return $node->safe_psql('postgres', "SELECT $expression FROM ml.check_file('$dir/$name'$arguments) WHERE name = '$row'");
}

# --- files that are there, and are not
put('good.csv', "id,name,note\n1,a,\"two\nlines\"\n2,b,\"a \"\"quote\"\"\"\n");
is(failures('good.csv'), '', 'a sound file passes');
is(column('good.csv', 'arity', 'n, n_failed, observed'), '2|0|{"fields": 3}', 'its records are counted without the header');
is(column('good.csv', 'lines', 'observed'), '{"lines": 4}', 'and its lines with it');
is(column('good.csv', 'header', 'observed'), '{"columns": ["id", "name", "note"]}', 'and the names are told');
is(failures('none.csv'), 'exists {"kind": null, "reason": "it does not exist"}', 'a missing file is an answer');
is($node->safe_psql('postgres', "SELECT count(*) FILTER (WHERE status = 'skipped' AND success IS NULL), count(*) FROM ml.check_file('$dir/none.csv')"),
	'13|14', 'and everything else is skipped');
is(failures('good.csv/x'), 'exists {"kind": null, "reason": "it does not exist"}', 'so is a path through a file');
is($node->safe_psql('postgres', "SELECT observed FROM ml.check_file('$dir') WHERE name = 'exists'"),
	'{"kind": "directory", "reason": "it is not a regular file"}', 'a directory');
mkfifo("$dir/pipe", 0600);
is(failures('pipe'), 'exists {"kind": "pipe", "reason": "it is not a regular file"}', 'a pipe without a writer does not hang');
is($node->safe_psql('postgres', "SELECT observed FROM ml.check_file('/dev/zero') WHERE name = 'exists'"),
	'{"kind": "device", "reason": "it is not a regular file"}', 'a device is not read');
put('secret.csv', "a\n");
chmod 0, "$dir/secret.csv";
is(failures('secret.csv'), 'exists {"kind": "regular file", "reason": "the server\'s operating system user may not read it"}',
	'a file that the server may not read');
symlink("$dir/good.csv", "$dir/link.csv");
is(failures('link.csv'), '', 'a symbolic link is followed, as COPY does');
is($node->safe_psql('postgres', "SELECT status FROM ml.check_file('PG_VERSION', 'text') WHERE name = 'exists'"), 'pass',
	'a relative path begins at the data directory, as for COPY');

# --- size, lines
put('empty.csv', '');
is(failures('empty.csv'), qq(size {"bytes": 0}\nheader {"reason": "there is no record"}), 'an empty file');
is(failures('empty.csv', 'min_bytes => 0, header => false'), '', 'which may be asked for');
put('header.csv', "id,name\n");
is(failures('header.csv'), '', 'only a header');
is(column('header.csv', 'arity', 'n'), '0', 'has no record');
is(failures('header.csv', 'min_lines => 2'), 'lines {"lines": 1}', 'too few lines');
is(failures('header.csv', 'max_lines => 0'), 'lines {"lines": 1}', 'too many lines');
is(failures('header.csv', 'max_bytes => 7'), 'size {"bytes": 8}', 'too large');
is(failures('header.csv', 'min_bytes => 9'), 'size {"bytes": 8}', 'too small');
is(failures('header.csv', 'min_bytes => 8, max_bytes => 8, min_lines => 1, max_lines => 1'), '', 'bounds are included');
put('cut.csv', "id,name\n1,a\n2,b");
is(failures('cut.csv'), 'last_line {"reason": "it has no end, as if the file were cut"}', 'a last line without an end');
is(column('cut.csv', 'last_line', 'severity'), 'warning', 'is a warning');
is(column('cut.csv', 'lines', 'observed'), '{"lines": 3}', 'and is counted');

# --- compression and formats
my %magic = (gzip => "\x1f\x8b\x08\0", zstd => "\x28\xb5\x2f\xfd", xz => "\xfd7zXZ\0", bzip2 => 'BZh91AY&SY', zip => "PK\3\4",
	lz4 => "\x04\x22\x4d\x18");
for my $kind (sort keys %magic)
{
	put("$kind.csv", $magic{$kind} . "\0\1\2" x 10);
	like(failures("$kind.csv"), qr/^compression \{"reason": "[^"]*FROM PROGRAM", "compression": "$kind"\}$/, "$kind is found");
}
put('bzip.csv', "BZhello,x\n1,2\n");
is(failures('bzip.csv'), '', 'letters that bzip2 begins with too are none');
$node->safe_psql('postgres', "COPY (SELECT 1, 'a') TO '$dir/good.bin' (FORMAT binary)");
is(column('good.bin', 'format', 'observed'), '{"format": "binary", "told_by": "content"}', 'binary is known by its signature');
is(failures('good.bin'), '', 'and passes');
put('short.bin', substr(slurp_file("$dir/good.bin"), 0, -3));
is(failures('short.bin'), 'format {"format": "binary", "reason": "the end is missing", "told_by": "content"}', 'binary that was cut');
is(failures('good.csv', "'binary'"), 'format {"format": "binary", "reason": "the signature is missing", "told_by": "argument"}', 'csv is not binary');
is(failures('good.bin', "'csv'"), 'format {"format": "csv", "reason": "the content is of another kind", "content": "binary", "told_by": "argument"}', 'and binary not csv');
put('good.parquet', 'PAR1' . "\0" x 20 . 'PAR1');
is(failures('good.parquet'), '', 'parquet');
put('short.parquet', 'PAR1' . "\0" x 20);
like(failures('short.parquet'), qr/the end is missing/, 'parquet that was cut');
put('good.jsonl', qq({"a": [1, -0.5e+3, true, null, {}], "b": "\\u00e9\\n"}\n[]\n"x"\n 0 \n));
is(failures('good.jsonl'), '', 'lines of JSON');
is(column('good.jsonl', 'format', 'n, n_failed'), '4|0', 'are counted');
put('bad.jsonl', qq({"a": 1}\n{"a": 1,}\n{"a": 01}\n{"a"\n:1}\n\n[1\n"\t"\n{"b": 2}));
is(column('bad.jsonl', 'format', 'n, n_failed, observed'),
	'9|7|{"byte": 17, "line": 2, "format": "jsonl", "reason": "there is something that is not JSON", "told_by": "name"}', 'wrong lines are counted, and the first is told');
put('good.json', qq([\n  {"a": 1},\n  {"a": 2}\n]\n));
is(failures('good.json'), '', 'a JSON document');
put('bad.json', qq({"a": 1}\n{"a": 2}\n));
like(failures('bad.json'), qr/"byte": 9, "line": 2/, 'two are none');
put('plain', "a\tb\n1\t2\n");
is(column('plain', 'format', 'observed'), '{"format": "text", "told_by": "content"}', 'text is told from tabs');
put('lines', "{}\n");
is(column('lines', 'format', "observed ->> 'format'"), 'jsonl', 'a brace tells lines of JSON');

# --- encoding
put('latin1.csv', "id,name\n1,a\n2,caf\xe9\n");
is(failures('latin1.csv'), 'encoding {"byte": 17, "line": 3, "value": "0xe9"}', 'latin1 is not UTF-8');
is(failures('latin1.csv', q{encoding => 'latin1'}), '', 'and passes as what it is');
put('border.csv', 'a' x 65535 . "\xc3\xa9\n" . 'b' x 65532 . "\xf0\x9f\x98\x80\n");
is(failures('border.csv', 'header => false'), '', 'characters across borders of blocks');
put('border_bad.csv', 'a' x 65535 . "\xc3a\n");
is(failures('border_bad.csv', 'header => false'), 'encoding {"byte": 65535, "line": 1, "value": "0xc3"}', 'and half ones');
put('half.csv', "a\nb\xe2\x82");
like(failures('half.csv'), qr/^encoding \{"byte": 3, "line": 2, "value": "0xe2"\}/, 'an incomplete character at the end');
put('nul.csv', "a\nb\0c\n");
is(failures('nul.csv'), 'encoding {"byte": 3, "line": 2, "value": "0x00"}', 'a NUL');
put('bom.csv', "\xef\xbb\xbfid,name\n1,a\n");
is(failures('bom.csv', "columns => '{id,name}'"),
	'byte_order_mark {"reason": "COPY takes it for a part of the first value or name", "byte_order_mark": "UTF-8"}', 'a byte-order mark');
put('utf16.csv', "\xff\xfei\0d\0\n\0");
like(failures('utf16.csv'), qr/^encoding .*\nbyte_order_mark .*"UTF-16LE"/, 'UTF-16');
put('sjis.csv', "id,name\n1,\x83\\\n2,\x95\\\n");
is(failures('sjis.csv', q{encoding => 'sjis'}), '', 'characters whose second byte is a backslash');
put('untranslatable.csv', "a\n\xc0\xff\n");
like(failures('untranslatable.csv', q{encoding => 'sjis'}), qr/^encoding .*"line": 2/, 'what cannot be converted');
put('escape.txt', "a\\303\\251\\xe2\\x82\\xac\n");
is(failures('escape.txt', "'text'"), '', 'characters as escapes');
put('escape_bad.txt', "a\nb\\303c\nd\\000\n");
is(column('escape_bad.txt', 'encoding', 'n_failed, observed', "'text'"), '2|{"line": 2, "reason": "an escape of digits stands for no character"}', 'and escapes that are none');

# --- header, arity
is(failures('good.csv', "columns => '{id,name,note}'"), '', 'the names that are expected');
is(failures('good.csv', "columns => '{name,id,noise}'"),
	'header {"extra": ["note"], "moved": ["id", "name"], "columns": ["id", "name", "note"], "missing": ["noise"]}', 'missing, extra and moved names');
put('twice.csv', "id,\"a \"\"b\"\"\",id\n");
is(failures('twice.csv'), 'header {"columns": ["id", "a \"b\"", "id"], "repeated": ["id"]}', 'a name twice, a quoted name');
put('ragged.csv', "a,b,c\n1,2,3\n1,\"x\ny\",3\n1,2\n1,2,3,4\n");
is(column('ragged.csv', 'arity', 'n, n_failed, observed, expected'), '4|2|{"line": 5, "fields": 2}|{"fields": 3}', 'lines of other lengths');
is(failures('ragged.csv', q{delimiter => ';'}), '', 'with another delimiter they are one');
put('quoted.csv', "a;'b;\\'c'\n1;'x'\n");
is(column('quoted.csv', 'header', 'observed', q{delimiter => ';', quote => '''', escape => '\\'}), q({"columns": ["a", "b;'c"]}), 'quote and escape');
put('open.csv', "a,b\n1,2\n3,\"4\n5,6\n");
like(failures('open.csv'), qr/^quoting \{"line": 5, "reason": "the last quote is not closed", "opened_in_line": 3\}/, 'a quote that is not closed');
put('mixed.csv', "a,b\r\n1,2\r\n3,4\n5,6\r\n");
is(column('mixed.csv', 'line_ends', 'status, n_failed, observed'),
	'fail|1|{"line": 3, "reason": "lines must all end as the first one does, and other ends be quoted or escaped", "line_end": "CRLF"}', 'mixed line ends');
put('marker.csv', "a,b\n1,2\n\\.\n3,4\n");
is(failures('marker.csv'), 'end_marker {"line": 3, "reason": "COPY ends there and does not read the rest", "bytes_behind": 4}', 'an end-of-data marker')
  if $node->pg_version < 18;
put('marker.txt', "a\n\\.\n");
is(failures('marker.txt', "'text'"), '', 'at the end it is all right');
put('wide.csv', '"' . 'x' x 2_000_000 . "\"\n1\n");
is(failures('wide.csv'), 'header {"reason": "the first record is longer than 1 MB"}', 'a header that is none');

# --- target
$node->safe_psql('postgres', q{
	CREATE TABLE target (id int, gone int, name text, twice int GENERATED ALWAYS AS (id * 2) STORED);
	ALTER TABLE target DROP COLUMN gone;
	CREATE ROLE reader; GRANT pg_read_server_files TO reader;
	CREATE ROLE nobody; GRANT pg_write_server_files TO nobody;
	CREATE ROLE loader; GRANT reader TO loader; GRANT SELECT (id) ON target TO loader});
put('target.csv', "id,name\n1,a\n");
is(failures('target.csv', "target => 'target'"), '', 'a file that fits a table');
put('other.csv', "id,nane,twice\n1,a,2\n");
is(failures('other.csv', "target => 'target'"),
	qq(header {"extra": ["nane", "twice"], "columns": ["id", "nane", "twice"], "missing": ["name"]}\n)
	  . qq(column nane {"reason": "the target has no such column that COPY can fill", "perhaps": "name"}\n)
	  . qq(column twice {"reason": "the target has no such column that COPY can fill"}\n)
	  . 'arity {"line": 2, "fields": 3}', 'and one that does not');
put('names.csv', "a\n");
is(failures('names.csv', "columns => '{name}', header => false, target => 'target'"), '', 'some of its columns');

# --- rights
my @rights = (
	['nobody', "ml.check_file('$dir/good.csv')", qr/^42501 permission denied to check a file/],
	['reader', "ml.check_file('$dir/target.csv', target => 'target')", qr/^42501 permission denied for relation target/],
	['reader', "ml.check_file('$dir/good.csv')", qr/^00000 14/],
	['loader', "ml.check_file('$dir/target.csv', target => 'target')", qr/^00000 16/]);
for (@rights)
{
	my ($role, $call, $expected) = @$_;
	my @got = ml_sqlstate($node, 'postgres', "GRANT USAGE ON SCHEMA ml TO PUBLIC; SET ROLE $role; SELECT count(*) FROM $call");

	like("@got", $expected, "$role: $call");
}

# --- arguments
my @wrong = (
	['NULL', '22004'], ["''", '22023'], ["'x', 'cvs'", '22023'], ["'x', encoding => 'utf99'", '22023'],
	["'x', min_bytes => -1", '22023'], ["'x', min_lines => 2, max_lines => 1", '22023'], ["'x', columns => '{}'", '22023'],
	["'x', columns => '{a,NULL}'", '22004'], ["'$dir/good.csv', delimiter => 'ab'", '22023'],
	["'$dir/good.csv', delimiter => '\"'", '22023'], ["'$dir/good.csv', 'text', delimiter => 'n'", '22023'],
	["'$dir/good.csv', 'text', quote => '|'", '22023'], ["'$dir/good.csv', encoding => 'mule_internal'", '42883']);
for (@wrong)
{
	my ($arguments, $state) = @$_;

	is(scalar ml_sqlstate($node, 'postgres', "SELECT * FROM ml.check_file($arguments)"), $state, "check_file($arguments)");
}

# --- nothing is written
is($node->safe_psql('postgres', "BEGIN READ ONLY; SELECT count(*) FROM ml.check_file('$dir/good.csv')"), '14', 'a read-only transaction');
$node->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'backup', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby, 'replay');
is($standby->safe_psql('postgres', "SELECT count(*) FROM ml.check_file('$dir/target.csv', target => 'target') WHERE success"), '16', 'a standby');
$standby->stop;

# --- against COPY
sub pick
{
	my ($from) = @_;

	return $from->[int(rand(@$from))];
}

# Random bytes of pieces that mean something, mostly three fields a line, sometimes beyond a block of 64 kB.
sub random_file
{
	my ($format) = @_;
	my $end = pick(["\n", "\n", "\r\n", "\r"]);
	my ($delimiter, @pieces) = $format eq 'csv' ?
	  (',', 'a', 'bc', '"x"', '"y,z"', '"a""b"', "\"l${end}m\"", '""', "\xc3\xa9", '\\', 'p"q"r', "\"\n\"", "\"\r\"") :
	  ("\t", 'a', 'bc', '\\\\', '\\N', "\\\t", "\\\n", "\xc3\xa9", '\\x41', '\\101', '"', '\\303\\251');
	my @rare = $format eq 'csv' ? ('"', ',', "\n", "\r", "\xe9", '\\.', "\0", "\xc3") :
	  ("\t", "\n", "\r", '\\.', '\\', '\\x', '\\351', "\xe9", "\\\r", '\\0');
	my $faults = pick([0, 0, 0.01, 0.1]);
	my $bytes = '';

	for my $line (1 .. 1 + int(rand(8)))
	{
		my $text = join($delimiter, map { my $n = int(rand(3)); join('', map { pick(\@pieces) } 1 .. $n) } 1 .. 3);

		$text .= pick(\@rare) while rand() < $faults;
		$text = pick(\@rare) . $text while rand() < $faults;
		$text .= 'w' x (65520 + int(rand(40))) if rand() < 0.05;
		$bytes .= $text . $end;
	}
	$bytes .= "\\.$end" if rand() < 0.05;
	chop $bytes if rand() < 0.2;
	return $bytes;
}

$node->safe_psql('postgres', q{
	CREATE TABLE wide (a text, b text, c text);
	-- What COPY says: the number of rows, or the line that it refuses.
	CREATE FUNCTION copied(path text, options text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		rows bigint;
		context text;
	BEGIN
		EXECUTE format('COPY wide FROM %L (%s)', path, options);
		GET DIAGNOSTICS rows = ROW_COUNT;
		TRUNCATE wide;
		RETURN 'rows ' || rows;
	EXCEPTION WHEN data_exception OR untranslatable_character THEN
		GET STACKED DIAGNOSTICS context = PG_EXCEPTION_CONTEXT;
		RETURN 'line ' || substring(context FROM 'line (\d+)');
	END $$;
	-- What ml.check_file says, in the same words. Of a marker that COPY passes over it says more than COPY does, and of a
	-- quote that is opened in a header: COPY passes over such a header, which is all of the file.
	CREATE FUNCTION checked(path text, format text, header bool) RETURNS text LANGUAGE sql AS $$
		SELECT CASE WHEN bool_or(name = 'end_marker' AND status = 'fail' AND observed ->> 'reason' NOT LIKE 'COPY refuses%') THEN 'marker'
			WHEN header AND bool_or(status = 'fail' AND name = 'quoting') AND max(n) FILTER (WHERE name = 'arity') = 0
				AND NOT bool_or(status = 'fail' AND name = 'encoding') THEN 'rows 0'
			WHEN bool_or(status = 'fail' AND name IN ('encoding', 'line_ends', 'quoting', 'end_marker', 'arity'))
			THEN 'line ' || min((observed ->> 'line')::bigint)
				FILTER (WHERE status = 'fail' AND name IN ('encoding', 'line_ends', 'quoting', 'end_marker', 'arity'))
			ELSE 'rows ' || max(n) FILTER (WHERE name = 'arity') END
		FROM ml.check_file(path, format, columns => '{a,b,c}', header => header)
	$$});
srand(20);
my $cases = 600;
my (@calls, %seen, @different);
for my $i (1 .. $cases)
{
	my $format = $i % 3 ? 'csv' : 'text';
	my $header = $i % 2 ? 'true' : 'false';

	put("fuzz$i", random_file($format));
	push @calls, "($i, '$format', $header)";
}
my $answers = $node->safe_psql('postgres', "SELECT i, format, header, checked(path, format, header),
	copied(path, format('FORMAT %s, HEADER %s, ENCODING ''UTF8''', format, header::text))
	FROM (VALUES " . join(', ', @calls) . ") f (i, format, header), LATERAL (SELECT '$dir/fuzz' || i) p (path)");
for (split /\n/, $answers)
{
	my ($i, $format, $header, $checked, $copied) = split /\|/;
	my ($kind) = $checked =~ /^(\w+)/;

	$seen{"$format $kind"}++;
	next if $checked eq $copied || $kind eq 'marker';
	(my $shown = slurp_file("$dir/fuzz$i")) =~ s/w{20,}/<w>/g;
	$shown =~ s/([^ -~])/sprintf('\\x%02x', ord($1))/ge;
	push @different, "$i $format header $header: check_file: $checked, COPY: $copied: $shown";
}
is(scalar @{[split /\n/, $answers]}, $cases, "$cases random files were read by both");
is(join("\n", @different), '', 'and both say the same of each, down to the line');
for my $kind ('csv rows', 'csv line', 'text rows', 'text line')
{
	cmp_ok($seen{$kind} // 0, '>', 30, "$kind: $seen{$kind} files");
}
is(ml_warnings($node), '', 'no warning in the log');
$node->stop;
done_testing();
