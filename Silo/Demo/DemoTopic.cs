using Confluent.Kafka;
using Confluent.Kafka.Admin;
using KafkaOracleOrleans.Silo.Hosting;
using KafkaOracleOrleans.Streams.Kafka;

namespace KafkaOracleOrleans.Silo.Demo;

/// <summary>Makes the demo's topic on a real broker.</summary>
internal static class DemoTopic
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    /// <summary>Creates the topic unless it is there. Throws <see cref="KorConfigurationException"/> with what to do when that cannot be had.</summary>
    public static async Task EnsureAsync(KafkaConnection connection, string topic, int partitions)
    {
        // What cannot be reached is told once, by the exception below.
        using var admin = new AdminClientBuilder(new AdminClientConfig(connection.ToClientConfig()))
            .SetLogHandler((_, _) => { })
            .SetErrorHandler((_, _) => { })
            .Build();
        try
        {
            var spec = new TopicSpecification { Name = topic, NumPartitions = partitions };
            await admin.CreateTopicsAsync([spec], new CreateTopicsOptions { RequestTimeout = Timeout, OperationTimeout = Timeout });
        }
        catch (CreateTopicsException e) when (e.Results[0].Error.Code == Confluent.Kafka.ErrorCode.TopicAlreadyExists)
        {
            // As it is, with the partitions it has.
        }
        catch (CreateTopicsException e)
        {
            throw new KorConfigurationException(
                [$"The topic '{topic}' could not be created on {connection.BootstrapServers}: {e.Results[0].Error.Reason}. Create it by hand, with any number of partitions."]);
        }
        catch (KafkaException e)
        {
            throw new KorConfigurationException(
                [$"No Kafka broker answered at {connection.BootstrapServers} ({e.Error.Reason}). Check --kafka HOST:PORT, and that the broker's advertised listeners can be reached from here."]);
        }
    }
}
