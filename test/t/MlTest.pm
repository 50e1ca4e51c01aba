# MlTest - what the TAP tests of pg_mlops share: servers, data made in SQL, and looks from outside.
package MlTest;
use strict;
use warnings;
use Exporter 'import';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(ml_cluster ml_rows ml_versions ml_orphans ml_temp_files ml_sqlstate ml_warnings ml_session ml_memory);

# A server with the extension in database postgres. Options: conf => lines for postgresql.conf, the
# rest goes to init. Crashes of backends must not end the server, as they would not elsewhere.
sub ml_cluster
{
	my ($name, %options) = @_;
	my $conf = delete $options{conf} // '';
	my $node = PostgreSQL::Test::Cluster->new($name);

	$options{extra} //= ['--encoding=UTF8', '--no-locale'];
	$node->init(%options);
	$node->append_conf('postgresql.conf', "restart_after_crash = on\nautovacuum = off\nmax_connections = 40\n"
		  . "log_statement = none\nlog_error_verbosity = verbose\n$conf");
	$node->start;
	$node->safe_psql('postgres', 'CREATE EXTENSION pg_mlops');
	return $node;
}

# How many rows each table of the catalog has.
sub ml_rows
{
	my ($node, $db) = @_;

	return $node->safe_psql($db // 'postgres', q{
		SELECT string_agg(format('%s %s', relname,
			(xpath('/row/n/text()', query_to_xml('SELECT count(*) AS n FROM ml.' || relname, false, true, '')))[1]), ', '
			ORDER BY relname)
		FROM pg_class WHERE relnamespace = 'ml'::regnamespace AND relkind = 'r'});
}

# What is recorded of every version that the physical order and the memory of its training must not change.
sub ml_versions
{
	my ($node, $db, $where) = @_;

	return $node->safe_psql($db, qq{
		SELECT v.model, v.artifact_sha256, v.metrics, v.summary, v.signature, v.notes, s.rows, s.fingerprint, s.profile
		FROM ml.versions v LEFT JOIN ml.snapshots s USING (snapshot_id) JOIN ml.runs r USING (run_id)
		WHERE $where ORDER BY v.model, v.version});
}

# Rows of the catalog that belong to nothing; empty in a sound one.
sub ml_orphans
{
	my ($node, $db) = @_;

	return $node->safe_psql($db // 'postgres', q{
		SELECT 'run without its end', r.run_id::text FROM ml.runs r WHERE r.status = 'running'
		UNION ALL SELECT 'run without its version', r.run_id::text FROM ml.runs r
			WHERE r.kind IN ('train', 'retrain') AND r.status = 'succeeded'
			AND NOT EXISTS (SELECT FROM ml.versions v WHERE v.run_id = r.run_id)
		UNION ALL SELECT 'snapshot without a version', s.snapshot_id::text FROM ml.snapshots s
			WHERE NOT EXISTS (SELECT FROM ml.versions v WHERE v.snapshot_id = s.snapshot_id)
		UNION ALL SELECT 'model without a version', m.model FROM ml.models m
			WHERE NOT EXISTS (SELECT FROM ml.versions v WHERE v.model = m.model)
		UNION ALL SELECT 'version unlike its digest', v.model FROM ml.versions v
			WHERE v.artifact_sha256 <> encode(sha256(v.artifact), 'hex')
		UNION ALL SELECT 'version without its event', v.model || '/' || v.version FROM ml.versions v
			WHERE NOT EXISTS (SELECT FROM ml.events e WHERE e.model = v.model AND e.version = v.version)
		UNION ALL SELECT 'number of the newest version', m.model FROM ml.models m
			WHERE m.last_version < (SELECT max(version) FROM ml.versions v WHERE v.model = m.model)});
}

# Temporary files of the default tablespace. They are looked for in the directory itself, because
# pg_ls_tmpdir() does not show those of parallel sorts.
sub ml_temp_files
{
	my ($node) = @_;
	my @files = glob($node->data_dir . '/base/pgsql_tmp/*');

	return join(' ', @files);
}

# The SQLSTATE a statement ends with; 00000 when it succeeds. The message is the second value.
sub ml_sqlstate
{
	my ($node, $db, $sql, %options) = @_;
	my ($ret, $out, $err) = $node->psql($db, "\\set VERBOSITY verbose\n$sql", on_error_stop => 1, %options);

	return wantarray ? ('00000', $out) : '00000' if $ret == 0;
	my ($state, $message) = $err =~ /(?:ERROR|FATAL):\s+([0-9A-Z]{5}): (.*)/;
	$state //= 'none';
	return wantarray ? ($state, $message // $err) : $state;
}

# The warnings in the server's log, such as of leaks; there is none where all is well.
sub ml_warnings
{
	my ($node) = @_;

	return join("\n", slurp_file($node->logfile) =~ /^.*(?:WARNING|PANIC|TRAP):.*$/mg);
}

# SQL for the bytes used in the memory contexts of the session that runs it, but for those of that statement itself.
# What is allocated would not do: the largest contexts grow by megabytes at once.
sub ml_memory
{
	return q{SELECT sum(used_bytes) FROM pg_backend_memory_contexts
		WHERE name !~ 'MessageContext|ErrorContext|PortalContext|ExecutorState|ExprContext|printtup|SRF|Table function|Tuplestore|HashAgg|Sort'};
}

# A session that lives on over errors and can be left alone while a statement runs.
sub ml_session
{
	my ($node, $db) = @_;
	my $psql = MlTest::Session::quietly(sub { $node->background_psql($db // 'postgres', on_error_stop => 0, timeout => 900) });
	my $self = bless { psql => $psql, node => $node }, 'MlTest::Session';

	$self->{pid} = $self->value('SELECT pg_backend_pid()');
	return $self;
}

package MlTest::Session;

# psql's own account of a session, one line per query, would drown the rest.
sub quietly
{
	my ($code) = @_;
	no warnings 'redefine';
	local *PostgreSQL::Test::BackgroundPsql::note = sub { };

	return $code->();
}

# Runs one statement; returns its SQLSTATE, its output and what was written to standard error.
sub run
{
	my ($self, $sql) = @_;

	$self->start($sql);
	return $self->finish;
}

# The output of a statement that succeeds.
sub value
{
	my ($self, $sql) = @_;
	my ($state, $out, $err) = $self->run($sql);

	die "$sql: $err" if $state ne '00000';
	return $out;
}

# Begins a statement and returns.
sub start
{
	my ($self, $sql) = @_;
	my $psql = $self->{psql};

	$psql->{stderr} = '';
	quietly(sub { $psql->query_until(qr/^started\n/m, "\\echo started\n") });
	$psql->{stdin} .= "$sql\n;\n\\echo\n\\echo SQLSTATE :SQLSTATE\n";
	$psql->{run}->pump_nb;
	return;
}

# Waits for the end of the statement that was begun; returns as run does.
sub finish
{
	my ($self) = @_;
	my $psql = $self->{psql};
	my $out = quietly(sub { $psql->query('') });
	my $err = $psql->{stderr};

	$psql->{stderr} = '';
	$out =~ s/\n?SQLSTATE (\w+)\s*$// or die "no SQLSTATE: $out$err";
	my $state = $1;
	chomp $out;
	return wantarray ? ($state, $out, $err) : $state;
}

# Ends the session, also one whose server process is gone.
sub quit
{
	my ($self) = @_;

	return eval { $self->{psql}->quit };
}

1;
