using System.Globalization;
using System.Net;
using KafkaOracleOrleans.KafkaSilo;
using KafkaOracleOrleans.Streams.Kafka;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;
using Orleans.Hosting;

// KafkaSilo library [FILE]: prints which librdkafka is used; with a file, after that has been loaded as well.
if (args[0] == "library")
{
    if (args.Length > 1) System.Runtime.InteropServices.NativeLibrary.Load(args[1]);
    KafkaLibrary.Check();
    Console.WriteLine($"{KafkaLibrary.Version} {KafkaLibrary.Path} {Confluent.Kafka.Library.VersionString}");
    return;
}

// KafkaSilo BROKERS TOPIC FOLDER SILO_PORT GATEWAY_PORT PRIMARY_PORT: a silo for tests that kill processes. Its subscribers
// write every batch they accept to a file per partition in FOLDER, and continue from there.
var (brokers, topic, folder) = (args[0], args[1], args[2]);
var ports = args[3..].Select(a => int.Parse(a, CultureInfo.InvariantCulture)).ToArray();
var host = Host.CreateDefaultBuilder()
    .ConfigureLogging(l => l.SetMinimumLevel(LogLevel.Warning))
    .UseOrleans(silo =>
    {
        silo.UseLocalhostClustering(ports[0], ports[1], new IPEndPoint(IPAddress.Loopback, ports[2]));
        silo.Services.AddSingleton(new Journal(folder));
        silo.Services.AddSingleton<IKafkaPositionSource>(sp => sp.GetRequiredService<Journal>());
        silo.Services.Configure<ClusterMembershipOptions>(o =>
        {
            o.ProbeTimeout = TimeSpan.FromMilliseconds(500);
            o.NumMissedProbesLimit = 2;
            o.NumVotesForDeathDeclaration = 1;
        });
        silo.AddKafkaStreams("kafka", (KafkaStreamOptions o) =>
        {
            o.Connections["main"] = new KafkaConnection { BootstrapServers = brokers };
            o.MaxBatchRecords = 200;
            o.MetadataInterval = TimeSpan.FromMilliseconds(500);
            o.Sources.Add(new KafkaSource { Name = "p1", Topics = [topic] });
        });
    })
    .Build();
await host.StartAsync();
Console.WriteLine("ready");
await host.WaitForShutdownAsync();
