using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Silo.Pipelines;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.Proof;

namespace KafkaOracleOrleans.Silo.Proof;

/// <summary>What proofs work with.</summary>
internal sealed record ProofServices(
    IStateStore Store, TopicReader Reader, SinkTableReader Tables, ISinkFactory Sinks, ILookupSource Lookups, IEnumerable<IRecordTransform> Transforms, TimeProvider Time)
{
    public ScanHelp Help(int rate) => new(Lookups, Transforms, Time, rate);
}

/// <summary>
/// Where proofs are made: one at a time, each with a temporary file of its own. One that was broken off leaves its file, and the next of the same pipeline, definition and time goes
/// on with it within a day.
/// </summary>
internal sealed class ProofDesk : IDisposable
{
    /// <summary>The largest temporary file of a proof, bytes.</summary>
    public const long MaxFileBytes = 32L << 30;

    private static readonly TimeSpan KeepFor = TimeSpan.FromDays(1);
    private readonly ProofServices _services;
    private readonly string _folder;
    private readonly SemaphoreSlim _room = new(1);

    public ProofDesk(
        IStateStore store, TopicReader reader, DatabaseConnections connections, ISinkFactory sinks, ILookupSource lookups, IEnumerable<IRecordTransform> transforms, TimeProvider time)
    {
        _services = new ProofServices(store, reader, new SinkTableReader(connections), sinks, lookups, transforms, time);
        _folder = Path.Combine(Path.GetTempPath(), "kor-proof");
    }

    /// <summary>Takes the one place there is; null: another proof has it.</summary>
    public IDisposable? Enter() => _room.Wait(0) ? new Place(_room) : null;

    /// <summary>
    /// Makes a proof, on a thread of its own. Throws <see cref="Processing.Proof.ProofRefusedException"/>, what Kafka, stores and sinks throw, and
    /// <see cref="OperationCanceledException"/>; then it can be gone on with.
    /// </summary>
    public Task<ReconcileReport> RunAsync(
        PipelineRuntime runtime, IReadOnlyList<string> partitions, ReconcileRequest request, Action<ReconcileProgress> report, CancellationToken cancellation) =>
        Task.Factory.StartNew(
            () => Run(runtime, partitions, request, report, cancellation), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    public void Dispose() => _room.Dispose();

    private ReconcileReport Run(
        PipelineRuntime runtime, IReadOnlyList<string> partitions, ReconcileRequest request, Action<ReconcileProgress> report, CancellationToken cancellation)
    {
        var identity = string.Create(
            CultureInfo.InvariantCulture,
            $"{runtime.Name}|{runtime.Plan.DefinitionHash}|{runtime.Version}|{runtime.Generation}|{request.Since:O}|{request.Until:O}|{string.Join(',', partitions.Order(StringComparer.Ordinal))}");
        // What is in the file is what the tables hold: for this user alone.
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(_folder);
        else Directory.CreateDirectory(_folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Sweep();
        // The place of the state tells deployments on one machine apart.
        var scope = SHA256.HashData(Encoding.UTF8.GetBytes($"{_services.Sinks.PlaceOf(runtime.Plan.Sinks[0].Spec.Connection)}|{Environment.ProcessPath}|{identity}"));
        var path = Path.Combine(_folder, Convert.ToHexStringLower(scope)[..32] + ".db");
        if (request.Fresh) ProofFile.Delete(path);
        ReconcileReport result;
        using (var file = ProofFile.Open(path, identity, MaxFileBytes))
            result = new ReconcileRun(runtime, request, file, _services, report, cancellation).Run(partitions);
        ProofFile.Delete(path);
        return result;
    }

    /// <summary>Removes what earlier proofs left that nobody will go on with.</summary>
    private void Sweep()
    {
        var old = _services.Time.GetUtcNow() - KeepFor;
        foreach (var file in Directory.EnumerateFiles(_folder, "*.db").Where(f => File.GetLastWriteTimeUtc(f) < old.UtcDateTime).ToList()) ProofFile.Delete(file);
    }

    private sealed class Place(SemaphoreSlim room) : IDisposable
    {
        public void Dispose() => room.Release();
    }
}
