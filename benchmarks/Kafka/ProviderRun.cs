using System.Net;
using KafkaOracleOrleans.Streams.Kafka;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Hosting;
using Orleans.Streams;
using Orleans.Streams.Core;

namespace KafkaOracleOrleans.Benchmarks.Kafka;

/// <summary>A silo whose subscriber counts what it is given.</summary>
internal sealed class ProviderRun : IAsyncDisposable
{
    private const string Source = "bench";
    private readonly IHost _host;
    private readonly Tally _tally;
    private readonly string? _topic;
    private readonly int _records;

    private ProviderRun(IHost host, string? topic, int records)
    {
        _host = host;
        _topic = topic;
        _records = records;
        _tally = host.Services.GetRequiredService<Tally>();
    }

    /// <summary>Starts the silo and waits until it has read the topic once; a topic can also be given later.</summary>
    public static async Task<ProviderRun> StartAsync(
        string bootstrap, string? topic, int records, int batch, long? bufferedBytes = null)
    {
        var host = Host.CreateDefaultBuilder()
            .ConfigureLogging(l => l.SetMinimumLevel(LogLevel.Warning))
            .UseOrleans(silo =>
            {
                silo.UseLocalhostClustering(31111, 31000);
                silo.Services.AddSingleton<Tally>();
                silo.Services.Configure<Orleans.Configuration.SiloMessagingOptions>(
                    o => o.ResponseTimeout = o.SystemResponseTimeout = TimeSpan.FromHours(1));
                silo.AddKafkaStreams("kafka", (KafkaStreamOptions o) =>
                {
                    o.Connections["main"] = new KafkaConnection { BootstrapServers = bootstrap };
                    o.MaxBatchRecords = batch;
                    o.MaxBufferedBytes = bufferedBytes ?? o.MaxBufferedBytes;
                    if (topic is not null)
                        o.Sources.Add(new KafkaSource { Name = Source, Topics = [topic] });
                });
            })
            .Build();
        await host.StartAsync();
        var run = new ProviderRun(host, topic, records);
        await run._tally.WaitAsync(records);
        return run;
    }

    public async Task RunAsync()
    {
        _tally.Reset();
        var control = _host.Services.GetRequiredService<IKafkaPartitionControl>();
        for (var i = 0; i < Load.Partitions; i++)
            await control.SeekAsync(Source, _topic!, i, 0);
        await _tally.WaitAsync(_records);
    }

    /// <summary>Subscribers take nothing from now on.</summary>
    public void Hold() => _tally.Gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    public void LetGo() => _tally.Gate!.SetResult();

    public void Read(string topic) => _host.Services.GetRequiredService<IKafkaSourceRegistry>()
        .Add(new KafkaSource { Name = Source, Topics = [topic] });

    public Task WaitAsync(long records) => _tally.WaitAsync(records);

    public async Task<long> BufferedBytesAsync()
    {
        var all = await _host.Services.GetRequiredService<IKafkaPartitionControl>().GetStatusesAsync(Source);
        return all.Sum(s => s.BufferedBytes);
    }

    public async Task<(TimeSpan Cpu, TimeSpan Wall)> MeasureIdleAsync(TimeSpan time)
    {
        var sample = await CpuSample.OfAsync(() => Task.Delay(time));
        return (sample.Cpu, sample.Wall);
    }

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
    }
}

/// <summary>Counts over all grains of the silo.</summary>
public sealed class Tally
{
    private long _records;

    public long Bytes { get; private set; }

    /// <summary>Subscribers wait for it; null: they go on.</summary>
    public TaskCompletionSource? Gate { get; set; }

    public void Add(KafkaBatch batch)
    {
        var lengths = batch.ValueLength.AsSpan(0, batch.Count);
        long bytes = 0;
        foreach (var length in lengths)
            bytes += length;
        Bytes += bytes;
        Interlocked.Add(ref _records, batch.Count);
    }

    public void Reset() => Interlocked.Exchange(ref _records, 0);

    public async Task WaitAsync(long records)
    {
        while (Interlocked.Read(ref _records) < records)
            await Task.Delay(5);
    }
}

public interface ICountingGrain : IGrainWithStringKey;

/// <summary>The subscriber.</summary>
[ImplicitStreamSubscription(KafkaStreamId.Namespace)]
public sealed class CountingGrain(Tally tally)
    : Grain, ICountingGrain, IStreamSubscriptionObserver, IAsyncObserver<KafkaBatch>
{
    public Task OnSubscribed(IStreamSubscriptionHandleFactory handleFactory) =>
        handleFactory.Create<KafkaBatch>().ResumeAsync(this);

    public Task OnNextAsync(KafkaBatch item, StreamSequenceToken? token = null) =>
        tally.Gate is { } gate ? WaitAsync(item, gate.Task) : Take(item);

    private async Task WaitAsync(KafkaBatch item, Task gate)
    {
        await gate;
        await Take(item);
    }

    private Task Take(KafkaBatch item)
    {
        tally.Add(item);
        item.Release();
        return Task.CompletedTask;
    }

    public Task OnErrorAsync(Exception ex) => Task.CompletedTask;
}
