using System.Globalization;
using System.Text;
using Confluent.Kafka;
using KafkaOracleOrleans.TestSupport;

namespace KafkaOracleOrleans.Streams.Kafka.Tests;

/// <summary>
/// Records with and without headers in any order, behind values of every kind: the provider asks librdkafka for headers only where the record says that
/// there are some, and must not miss one.
/// </summary>
internal static class HeaderMix
{
    private const int Count = 2_000;

    /// <summary>Writes the mix to partition 0 and reads it back.</summary>
    public static async Task AssertArrivesAsync(string bootstrapServers, string topic, string compression)
    {
        var random = new Random(7);
        var written = new List<string>();
        using (var producer = new KafkaTestProducer(bootstrapServers, compression: compression))
        {
            for (var i = 0; i < Count; i++)
            {
                byte[]? value = random.Next(5) switch { 0 => null, 1 => [], 2 => [0], 3 => [1, 0], _ => new byte[random.Next(1, 300)] };
                // Long runs without, so that the shortcut is taken, and then some.
                var count = i % 100 < 60 ? 0 : random.Next(3);
                var headers = count == 0 ? null : new Headers();
                for (var h = 0; h < count; h++) headers!.Add("h" + h, Encoding.ASCII.GetBytes(i.ToString(CultureInfo.InvariantCulture)));
                producer.Send(topic, 0, [], value, headers);
                written.Add(Describe(i, value?.Length ?? -1, Enumerable.Range(0, count).Select(h => $"h{h}={i}")));
            }

            producer.Flush();
        }

        var read = new List<string>();
        var recorder = new Recorder
        {
            OnRecord = (batch, i) =>
            {
                var headers = new List<string>();
                foreach (var header in batch.Headers(i)) headers.Add($"{header.Key}={Encoding.ASCII.GetString(header.Value)}");
                lock (read) read.Add(Describe(batch.Offsets[i], batch.ValueLength[i], headers));
            },
        };
        await using var streams = await TestStreams.StartAsync(bootstrapServers, recorder: recorder);
        streams.Use(new KafkaSource { Name = "p1", Topics = [topic] });
        await streams.WaitForRecordsAsync(Count);
        Assert.Equal(written, read);
    }

    private static string Describe(long offset, int length, IEnumerable<string> headers) =>
        string.Create(CultureInfo.InvariantCulture, $"{offset} {length} {string.Join(',', headers)}");
}
