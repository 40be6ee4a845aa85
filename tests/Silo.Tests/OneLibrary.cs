using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using KafkaOracleOrleans.Streams.Kafka;

namespace KafkaOracleOrleans.Silo.Tests;

/// <summary>Tests use Confluent.Kafka before the product does; also where the operating system has a librdkafka they must not load that one.</summary>
internal static class OneLibrary
{
    [ModuleInitializer]
    [SuppressMessage("Usage", "CA2255", Justification = "Before any test's fixture.")]
    internal static void Load() => KafkaLibrary.Check();
}
