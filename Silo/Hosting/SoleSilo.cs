using System.Collections.Concurrent;
using System.Text.Json;
using KafkaOracleOrleans.Processing.Ports;

namespace KafkaOracleOrleans.Silo.Hosting;

/// <summary>
/// A silo on its own has its state database to itself: two would both read every partition and fence each other for ever. It says every few seconds that it
/// is there; another one that is started looks whether somebody does so, and if so says why it does not start.
/// </summary>
internal sealed partial class SoleSilo(
    IStateStore store, KorOptions options, IHostApplicationLifetime lifetime, TimeProvider time, ILogger<SoleSilo> log) : BackgroundService
{
    private const string Owner = "@host/single";
    private const byte Format = 1;
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(8);

    // Several hosts of one process are told apart by this, not by the process.
    private static readonly ConcurrentDictionary<Guid, byte> Here = new();
    private readonly Guid _id = Guid.NewGuid();
    private long _epoch;
    private long _beat;

    /// <summary>What a silo says of itself.</summary>
    internal sealed record Sign(Guid Id, string Machine, int Process, string Url, long Beat);

    /// <summary>
    /// Takes the database for this silo, at once where the last one ended in order or is known to be gone; otherwise after a look at whether it still says
    /// something. Throws <see cref="KorConfigurationException"/> when another silo is there.
    /// </summary>
    public async Task TakeAsync(CancellationToken cancellation)
    {
        if (await SeenAsync(cancellation) is { } sign && !IsGone(sign))
        {
            LogLooking(sign.Machine, sign.Process, Patience.TotalSeconds);
            var begun = time.GetTimestamp();
            while (time.GetElapsedTime(begun) < Patience)
            {
                await Task.Delay(Look, time, cancellation);
                var now = await SeenAsync(cancellation);
                if (now is null) break;
                if (now != sign) throw Refusal(now);
            }
        }

        Here[_id] = 0;
        try
        {
            var epoch = (await store.AcquireAsync(Owner, cancellation)).Epoch;
            await SayAsync(epoch, true, cancellation);
            Interlocked.Exchange(ref _epoch, epoch);
        }
        catch (EpochFencedException)
        {
            // Both were started at the same moment, and the other was later.
            Here.TryRemove(_id, out _);
            throw Refusal(await SeenAsync(cancellation));
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        Here.TryRemove(_id, out _);
        var epoch = Interlocked.Exchange(ref _epoch, 0);
        if (epoch == 0) return;
        try
        {
            await SayAsync(epoch, false, cancellationToken);
        }
        catch (Exception e) when (e is StoreUnavailableException or EpochFencedException or OperationCanceledException)
        {
            // The next start looks for a while whether this silo is still there.
            LogNotGiven(e.Message);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            var epoch = Interlocked.Read(ref _epoch);
            if (epoch == 0) continue;
            try
            {
                await SayAsync(epoch, true, stoppingToken);
            }
            catch (StoreUnavailableException)
            {
                // Nothing works without the database, and others say so.
            }
            catch (EpochFencedException)
            {
                Interlocked.Exchange(ref _epoch, 0);
                LogTaken(options.State.Connection);
                lifetime.StopApplication();
                return;
            }
        }
    }

    private Task SayAsync(long epoch, bool isHere, CancellationToken cancellation)
    {
        var sign = new Sign(_id, Environment.MachineName, Environment.ProcessId, options.Url, Interlocked.Increment(ref _beat));
        byte[] header = isHere ? [Format, .. JsonSerializer.SerializeToUtf8Bytes(sign)] : [];
        return store.CommitAsync(new CheckpointWrite { Owner = Owner, Epoch = epoch, Header = header }, cancellation);
    }

    private async Task<Sign?> SeenAsync(CancellationToken cancellation) =>
        (await store.PeekAsync(Owner, cancellation))?.Header is [Format, .. var json] ? JsonSerializer.Deserialize<Sign>(json) : null;

    /// <summary>True where this machine knows that the process is no more: it was killed, and need not be waited for.</summary>
    private static bool IsGone(Sign sign)
    {
        if (sign.Machine != Environment.MachineName) return false;
        // In containers every process is number 1, and the one that has this number now is this one.
        if (sign.Process == Environment.ProcessId) return !Here.ContainsKey(sign.Id);
        try
        {
            using var process = System.Diagnostics.Process.GetProcessById(sign.Process);
            return process.HasExited;
        }
        catch (ArgumentException)
        {
            return true;
        }
    }

    private KorConfigurationException Refusal(Sign? other) => new(
    [
        $"Another silo runs on the state database of connection '{options.State.Connection}'"
        + (other is null ? "." : $": process {other.Process} on {other.Machine}, API {other.Url}.")
        + " Each silo on its own needs a state database of its own: stop the other one, or name another database in Kor:State:Connection, or make both a cluster "
        + "with Kor:Cluster:Connection.",
    ]);

    [LoggerMessage(
        Level = LogLevel.Information,
        Message = "The state database was last used by process {Process} on {Machine}, which did not end in order; looking for {Seconds:0} s whether it still runs.")]
    private partial void LogLooking(string machine, int process, double seconds);

    [LoggerMessage(Level = LogLevel.Critical, Message = "Another silo has taken the state database of connection '{Connection}'; this one stops.")]
    private partial void LogTaken(string connection);

    [LoggerMessage(Level = LogLevel.Debug, Message = "The state database could not be given back: {Reason}")]
    private partial void LogNotGiven(string reason);
}
