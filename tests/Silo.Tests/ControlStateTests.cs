using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Silo.Hosting;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.State;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Orleans.Runtime;
using Orleans.Serialization;
using Orleans.Serialization.Invocation;
using Orleans.Serialization.Serializers;
using Orleans.Storage;

namespace KafkaOracleOrleans.Silo.Tests;

/// <summary>Where control state is, what is taken over of earlier versions', and what of an exception reaches another silo.</summary>
public sealed class ControlStateTests : IAsyncDisposable
{
    private const string State = "pipeline";
    private static readonly GrainId Id = GrainId.Create("kor.pipeline", "orders");
    private readonly string _file = Path.Combine(Path.GetTempPath(), $"kor-control-{Guid.NewGuid():N}.db");
    private readonly Database _database;
    private readonly AdoStateStore _store;
    private readonly FormerControlState _former = new();
    private readonly ServiceProvider _services = Services();

    public ControlStateTests()
    {
        _database = new Database("state", new ConnectionOptions { Provider = DatabaseProvider.Sqlite, Database = _file });
        _store = new AdoStateStore(_database);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private Serializer Serializer => _services.GetRequiredService<Serializer>();

    [Fact]
    public async Task What_a_single_silo_wrote_before_there_was_a_format_is_read_and_written_anew()
    {
        await StateSchema.EnsureAsync(_database, true, Cancel);
        var raw = await WriteRawAsync("first");
        Assert.NotEqual(StateStoreGrainStorage.Format, raw[0]);
        Assert.Equal(["first"], await ReadAsync());
        byte[] expected = [StateStoreGrainStorage.Format, .. raw];
        Assert.Equal(expected, (await _store.PeekAsync(Owner, Cancel))!.Header!);
        Assert.Equal(["first"], await ReadAsync());
    }

    [Fact]
    public async Task What_a_cluster_kept_in_Orleans_table_is_taken_over_once()
    {
        await StateSchema.EnsureAsync(_database, true, Cancel);
        // The single silo of before the cluster left this; the cluster went on from there.
        await WriteRawAsync("stale");
        Keep("of the cluster");
        Assert.Equal(["of the cluster"], await ReadAsync());
        Keep("changed by an old version afterwards");
        Assert.Equal(["of the cluster"], await ReadAsync());
        _former.Take([]);
        Assert.Equal(["of the cluster"], await ReadAsync());
    }

    [Fact]
    public async Task What_is_cleared_stays_so_and_an_older_activation_writes_nothing()
    {
        await StateSchema.EnsureAsync(_database, true, Cancel);
        Keep("of the cluster");
        var older = new GrainState<List<string>>();
        await Storage().ReadStateAsync(State, Id, older);
        var newer = new GrainState<List<string>>();
        await Storage().ReadStateAsync(State, Id, newer);
        older.State!.Add("late");
        await Assert.ThrowsAsync<InconsistentStateException>(() => Storage().WriteStateAsync(State, Id, older));
        await Storage().ClearStateAsync(State, Id, newer);
        Assert.Empty(await ReadAsync());
        await Storage().ReadStateAsync(State, Id, newer);
        Assert.False(newer.RecordExists);
    }

    [Fact]
    public void An_exception_another_silo_has_no_library_for_arrives_in_words_and_without_secrets()
    {
        Exception[] foreign =
        [
            new PostgresException("password authentication failed", "FATAL", "FATAL", "28P01"),
            new InvalidOperationException("It did not go.", new PostgresException("no such role; Password=hunter2;x", "FATAL", "FATAL", "28000")),
            new Confluent.Kafka.KafkaException(Confluent.Kafka.ErrorCode.BrokerNotAvailable),
            new EpochFencedException("orders/partition/orders/0", 3),
        ];
        GrainFaultKind[] kinds = [GrainFaultKind.Database, GrainFaultKind.Database, GrainFaultKind.Kafka, GrainFaultKind.Other];
        foreach (var (exception, kind) in foreign.Zip(kinds))
        {
            var bytes = Serializer.SerializeToArray(Response.FromException(exception));
            var arrived = Serializer.Deserialize<Response>(bytes)!.Exception!;
            var fault = Assert.IsType<GrainFaultException>(arrived as GrainFaultException ?? arrived.InnerException);
            Assert.Equal(kind, fault.Kind);
            Assert.Equal((arrived == fault ? exception : exception.InnerException!).GetType().Name, fault.Type);
            Assert.NotEmpty(fault.Message);
            Assert.DoesNotContain("hunter2", arrived.ToString(), StringComparison.Ordinal);
        }

        // What both sides know stays what it is.
        var known = Response.FromException(new Grains.Runtime.PipelineChangedException("gone"));
        Assert.IsType<Grains.Runtime.PipelineChangedException>(Serializer.Deserialize<Response>(Serializer.SerializeToArray(known))!.Exception);
    }

    public async ValueTask DisposeAsync()
    {
        await _services.DisposeAsync();
        await _database.DisposeAsync();
        SqliteConnection.ClearAllPools();
        File.Delete(_file);
    }

    private static ServiceProvider Services()
    {
        var services = new ServiceCollection();
        services.AddSerializer();
        services.AddSingleton<IGeneralizedCodec, ForeignExceptionCodec>();
        return services.BuildServiceProvider();
    }

    private static string Owner => $"@control/{State}/{Id}";

    private StateStoreGrainStorage Storage() => new(_store, Serializer, _former, NullLogger<StateStoreGrainStorage>.Instance);

    private void Keep(string value) => _former.Take([(State, "orders", Serializer.SerializeToArray(new List<string> { value }))]);

    private async Task<byte[]> WriteRawAsync(string value)
    {
        var raw = Serializer.SerializeToArray(new List<string> { value });
        var lease = await _store.AcquireAsync(Owner, Cancel);
        await _store.CommitAsync(new CheckpointWrite { Owner = Owner, Epoch = lease.Epoch, Header = raw }, Cancel);
        return raw;
    }

    private async Task<List<string>> ReadAsync()
    {
        var state = new GrainState<List<string>>();
        await Storage().ReadStateAsync(State, Id, state);
        return state.State!;
    }
}
