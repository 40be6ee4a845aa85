using System.Data;
using System.Data.Common;
using System.Diagnostics.CodeAnalysis;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.Diagnosis;

namespace KafkaOracleOrleans.Storage.Tests;

/// <summary>A driver without time limits of its own, and a server that does not answer: what Oracle's does.</summary>
public sealed class HungCallTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Opening_that_never_ends_is_given_up_after_twice_connectTimeout_and_what_comes_late_is_closed()
    {
        var silent = new Silent { Opens = new TaskCompletionSource() };
        await using var database = Make(silent);
        var failure = await Assert.ThrowsAsync<DatabaseException>(() => database.ReadAsync((_, _) => Task.FromResult(1), Cancel));
        Assert.Equal((ErrorClass.Timeout, DatabasePhase.Open, false), (failure.Error.Class, failure.Phase, failure.OutcomeUnknown));
        Assert.Contains("no connection within 2 s (twice connectTimeout)", failure.Message);

        silent.Opens.SetResult();
        await silent.Closed.Task.WaitAsync(TimeSpan.FromSeconds(30), Cancel);
    }

    [Fact]
    public async Task Closing_that_never_ends_takes_nothing_from_what_was_done()
    {
        var silent = new Silent { Closes = new TaskCompletionSource() };
        await using var database = Make(silent);
        // What was read counts, and the next one does not wait for the first.
        Assert.Equal(7, await database.ReadAsync((_, _) => Task.FromResult(7), Cancel));
        Assert.Equal(8, await database.ReadAsync((_, _) => Task.FromResult(8), Cancel));
        silent.Closes.SetResult();
        await silent.Closed.Task.WaitAsync(TimeSpan.FromSeconds(30), Cancel);
    }

    [Fact]
    public void A_host_without_cultures_is_told_before_it_works_with_Oracle()
    {
        Assert.Null(DatabaseDrivers.WithoutCultures(invariant: false));
        Assert.Contains("<InvariantGlobalization>false</InvariantGlobalization>", DatabaseDrivers.WithoutCultures(invariant: true)!.Value.Remedy);
        // The remedy's switch does what it says.
        var project = File.ReadAllText(TestSupport.RepoPaths.Under("Silo", "Silo.csproj"));
        Assert.Matches(@"WithOracleDriver\)' == 'true'"">[^<]*<!--[^>]*-->\s*<InvariantGlobalization>false</InvariantGlobalization>", project);
    }

    private static Database Make(Silent silent)
    {
        var database = new Database("dwh", new ConnectionOptions
        {
            Provider = DatabaseProvider.Oracle, Host = "127.0.0.1", Port = 1, Database = "x", User = "u", Password = "not-needed-2718",
            ConnectTimeout = TimeSpan.FromSeconds(1), CommandTimeout = TimeSpan.FromSeconds(1),
        });
        database.Intercept(_ => silent);
        return database;
    }

    private sealed class Silent : IConnectionSource
    {
        public TaskCompletionSource? Opens { get; init; }

        public TaskCompletionSource? Closes { get; init; }

        public TaskCompletionSource Closed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public string Place => "nowhere";

        public async Task<DbConnection> OpenAsync(CancellationToken cancellation)
        {
            if (Opens is not null) await Opens.Task;
            return new Connection(this);
        }

        public ValueTask<DbTransaction> BeginAsync(DbConnection connection, CancellationToken cancellation) => throw new NotSupportedException();

        public ValueTask<IDisposable?> EnterWriteAsync(CancellationToken cancellation) => default;

        public void Discard()
        {
        }

        public ValueTask DisposeAsync() => default;
    }

    private sealed class Connection(Silent source) : DbConnection
    {
        [AllowNull]
        public override string ConnectionString { get; set; } = "";

        public override string Database => "";

        public override string DataSource => "";

        public override string ServerVersion => "";

        public override ConnectionState State => ConnectionState.Open;

        public override void ChangeDatabase(string databaseName) => throw new NotSupportedException();

        public override void Close()
        {
        }

        public override void Open() => throw new NotSupportedException();

        public override async ValueTask DisposeAsync()
        {
            if (source.Closes is not null) await source.Closes.Task;
            await base.DisposeAsync();
            source.Closed.TrySetResult();
            GC.SuppressFinalize(this);
        }

        protected override DbTransaction BeginDbTransaction(IsolationLevel isolationLevel) => throw new NotSupportedException();

        protected override DbCommand CreateDbCommand() => throw new NotSupportedException();
    }
}
