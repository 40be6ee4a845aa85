using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using KafkaOracleOrleans.Processing.Diagnostics;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Tests.Records;

/// <summary>The named records of tests/corpus/records, each with the outcome it must have.</summary>
public sealed partial class RecordCorpusTests
{
    private sealed record Entry(string Name, SourceFormatSpec Spec, byte[] Value, string Outcome);

    private static readonly Entry[] Entries = Read();

    [Fact]
    public void Every_record_has_its_outcome()
    {
        var wrong = new List<string>();
        foreach (var entry in Entries)
        {
            var actual = Outcome(RawBatches.Decode(entry.Spec, RawBatches.Of((null, entry.Value))), 0);
            if (actual != entry.Outcome) wrong.Add($"{entry.Name}: expected {Short(entry.Outcome)}, was {Short(actual)}");
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Fact]
    public void Outcomes_do_not_depend_on_the_records_before()
    {
        foreach (var section in Entries.GroupBy(e => e.Spec))
        {
            var all = section.ToArray();
            var decoder = RecordDecoderFactory.Create(section.Key);
            for (var round = 0; round < 3; round++)
            {
                var batch = RawBatches.Decode(decoder, RawBatches.Of([.. all.Select(e => ((byte[]?)null,
                    (byte[]?)e.Value))]));
                for (var i = 0; i < all.Length; i++) Assert.Equal(all[i].Outcome, Outcome(batch, i));
                new Random(round).Shuffle(all);
            }
        }
    }

    [Fact]
    public void There_are_many_and_their_names_and_codes_are_known()
    {
        Assert.True(Entries.Count(e => e.Outcome.StartsWith("KOR", StringComparison.Ordinal)) >= 150);
        foreach (var section in Entries.GroupBy(e => e.Spec)) Assert.Distinct(section.Select(e => e.Name));
        Assert.All(
            Entries.Where(e => e.Outcome.StartsWith("KOR", StringComparison.Ordinal)),
            e => Assert.NotNull(ErrorCatalog.Find(e.Outcome[..7])));
    }

    [Fact]
    public void Messages_are_sentences_and_never_show_values()
    {
        foreach (var entry in Entries)
        {
            foreach (var error in RawBatches.Decode(entry.Spec, RawBatches.Of((null, entry.Value))).Errors.Items)
            {
                Assert.EndsWith(".", error.Message, StringComparison.Ordinal);
                Assert.InRange(error.Message.Length, 15, 220);
            }
        }
    }

    private static string Outcome(RecordBatch batch, int row)
    {
        var outcome = RawBatches.Outcome(batch, row);
        return outcome.StartsWith("KOR", StringComparison.Ordinal) || outcome == "left out" ? outcome : "=" + outcome;
    }

    private static string Short(string text) => text.Length < 120 ? text : $"{text[..100]}... ({text.Length})";

    private static Entry[] Read()
    {
        var entries = new List<Entry>();
        SourceFormatSpec? spec = null;
        foreach (var line in File.ReadLines(Corpus.Find("records/records.tsv")))
        {
            if (line.StartsWith('#') || line.Length == 0) continue;
            if (line.StartsWith('['))
            {
                spec = Section(line);
                continue;
            }

            var parts = line.Split('\t');
            entries.Add(new Entry(parts[0], spec!, Bytes(parts[1]), Encoding.UTF8.GetString(Bytes(parts[2]))));
        }

        return [.. entries];
    }

    private static SourceFormatSpec Section(string line)
    {
        var match = SectionLine().Match(line);
        var format = Enum.Parse<SourceFormatKind>(match.Groups["format"].Value, ignoreCase: true);
        var max = match.Groups["max"] is { Success: true } given
            ? int.Parse(given.Value, CultureInfo.InvariantCulture) : SourceFormatSpec.DefaultMaxValueBytes;
        return RawBatches.Spec(match.Groups["fields"].Value, format, maxBytes: max);
    }

    private static byte[] Bytes(string text)
    {
        text = Repetition().Replace(text, m => string.Concat(Enumerable.Repeat(m.Groups[2].Value,
            int.Parse(m.Groups[1].Value))));
        var bytes = new List<byte>();
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\' && i + 3 < text.Length && text[i + 1] == 'x')
            {
                bytes.Add(Convert.ToByte(text.Substring(i + 2, 2), 16));
                i += 3;
            }
            else
            {
                bytes.AddRange(Encoding.UTF8.GetBytes(text, i, 1));
            }
        }

        return [.. bytes];
    }

    [GeneratedRegex(@"<<(\d+)\*(.*?)>>")]
    private static partial Regex Repetition();

    [GeneratedRegex(@"^\[(?<format>\w+)( max=(?<max>\d+))?\] (?<fields>.*)$")]
    private static partial Regex SectionLine();
}

/// <summary>Files under tests/corpus.</summary>
internal static class Corpus
{
    public static string Find(string path)
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (directory is not null && !Directory.Exists(Path.Combine(directory.FullName, "tests", "corpus")))
            directory = directory.Parent;
        return Path.Combine(directory?.FullName
            ?? throw new InvalidOperationException("The corpus was not found."), "tests", "corpus", path);
    }
}
