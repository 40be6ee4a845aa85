using KafkaOracleOrleans.Silo.Hosting;
using Microsoft.Extensions.Configuration;

namespace KafkaOracleOrleans.Silo.Tests;

/// <summary>The host's configuration: what cannot be read is told all at once, and what is in force can be looked at.</summary>
public sealed class ConfigurationTests
{
    private const string Secret = "c4n4ry-s3cret";

    [Fact]
    public void Everything_that_can_be_set_is_read_as_the_binder_of_dotnet_reads_it()
    {
        var settings = Good();
        settings["Kor:Connections:dwh:Provider"] = "oracle";
        settings["Kor:Connections:dwh:Port"] = "1521";
        settings["Kor:Connections:dwh:Retry:FirstDelay"] = "00:00:00.300";
        settings["Kor:Kafka:main:Config:fetch.min.bytes"] = "1000";
        settings["Kor:Kafka:main:AllowPlaintextPassword"] = "True";
        settings["Kor:Http:MaskFields:0"] = "card";
        settings["Kor:Http:MaskFields:1"] = "iban";
        settings["Kor:Http:Oidc:ViewerRoles:0"] = "team";
        settings["Kor:Http:ApiKeys:anna:Role"] = "admin";
        settings["Kor:Logs:Format"] = "JSON";
        settings["Kor:Engine:CheckpointInterval"] = "00:00:05";
        settings["Kor:Reading:MaxBufferedBytes"] = "1048576";
        var (ours, faults) = Read(settings);
        Assert.Empty(faults);
        var theirs = new KorOptions();
        Root(settings).GetSection(KorOptions.Section).Bind(theirs);
        Assert.Equal(Items(theirs), Items(ours));
        Assert.Equal(TimeSpan.FromSeconds(5), ours.Engine.CheckpointInterval);
        Assert.Equal(["card", "iban"], ours.Http.MaskFields);
    }

    [Theory]
    [InlineData("10s", 10_000)]
    [InlineData("5m", 300_000)]
    [InlineData("1m30s", 90_000)]
    [InlineData("500ms", 500)]
    [InlineData("00:00:07", 7_000)]
    public void Spans_of_time_are_written_as_in_pipelines_or_as_dotnet_writes_them(string text, int milliseconds)
    {
        var (options, faults) = Read(Good(("Kor:Engine:CheckpointInterval", text)));
        Assert.Empty(faults);
        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), options.Engine.CheckpointInterval);
    }

    [Theory]
    [InlineData("Kor:Connections:dwh:Port", "54x32", "Kor:Connections:dwh:Port is '54x32'; it must be a whole number.")]
    [InlineData("Kor:Connections:dwh:Provider", "Postgres", "did you mean PostgreSql?")]
    [InlineData("Kor:Kafka:main:AllowPlaintextPassword", "yes", "Kor:Kafka:main:AllowPlaintextPassword is 'yes'; it must be true or false.")]
    [InlineData("Kor:Engine:CheckpointInterval", "10", "a span of time with its unit, such as 10s or 10m")]
    [InlineData("Kor:Engine:CheckpointInterval", "soon", "a span of time, such as 500ms, 10s")]
    [InlineData("Kor:Engine:QueuedBatches", "99999999999", "must be a whole number")]
    [InlineData("Kor:Engine:QueuedBatches", "", "Kor:Engine:QueuedBatches is empty")]
    [InlineData("Kor:Reading:MaxBufferedBytes", "lots", "a number of bytes, such as 1048576 or 1MiB")]
    [InlineData("Kor:Engine:ChekpointInterval", "10s", "Kor:Engine:ChekpointInterval is no setting. Did you mean Kor:Engine:CheckpointInterval (environment: Kor__Engine__CheckpointInterval)?")]
    [InlineData("Kor:CheckpointInterval", "10s", "Did you mean Kor:Engine:CheckpointInterval")]
    [InlineData("Kor:Zebra", "1", "Kor:Zebra is no setting; Kor has Cluster, State")]
    [InlineData("Kor:State", "state", "Kor:State is a group of settings")]
    [InlineData("Kor:Url:Port", "8080", "Kor:Url is a single value")]
    [InlineData("Kor:Http:MaskFields", "card,iban", "Kor:Http:MaskFields is a list; set Kor:Http:MaskFields:0")]
    [InlineData("Kor:Connections:dwh:Passwort", Secret, "Did you mean Kor:Connections:dwh:Password")]
    public void What_cannot_be_read_is_told_with_its_key_and_what_was_meant_and_without_secrets(string key, string value, string told)
    {
        var (_, faults) = Read(Good((key, value)));
        var fault = Assert.Single(faults);
        Assert.Contains(told, fault, StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, fault, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_fault_is_told_at_once_and_an_entry_with_a_fault_is_still_there()
    {
        var settings = Good(("Kor:Connections:dwh:Port", "54x32"), ("Kor:Engine:QueuedBatches", "0"), ("Kor:Nothing", "1"));
        settings["Kor:Connections:state:PasswordFile"] = "/does/not/exist";
        var (options, faults) = Read(settings);
        options.Unread = faults;
        var message = Assert.Throws<KorConfigurationException>(() => KorOptionsValidation.Check(options)).Message;
        foreach (var part in new[] { "dwh:Port is '54x32'", "QueuedBatches is 0", "Kor:Nothing is no setting", "PasswordFile is '/does/not/exist', which cannot be read" })
            Assert.Contains(part, message, StringComparison.Ordinal);
        Assert.DoesNotContain("unknown database", message, StringComparison.Ordinal);
        Assert.Equal("db", options.Connections["dwh"].Host);
    }

    [Fact]
    public void What_is_in_force_is_shown_with_its_origin_and_without_secrets()
    {
        var settings = Good(("Kor:Connections:dwh:Password", Secret), ("Kor:Engine:CheckpointInterval", "90s"));
        settings["Kor:Connections:more:Provider"] = "PostgreSql";
        settings["Kor:Connections:more:ConnectionString"] = $"Host=db;Database=x;Username=u;Password={Secret}";
        settings["Kor:Kafka:main:SaslPassword"] = Secret;
        settings["Kor:Kafka:main:Config:ssl.key.password"] = Secret;
        settings["Kor:Kafka:main:Config:fetch.min.bytes"] = "7";
        settings["Kor:Http:ApiKeys:anna:Hash"] = Secret;
        var (options, _) = Read(settings);
        var items = ConfigurationView.Of(options, Root(settings));
        Assert.DoesNotContain(Secret, string.Join('\n', items), StringComparison.Ordinal);
        Assert.Equal("1m30s", Assert.Single(items, i => i.Key == "Kor:Engine:CheckpointInterval").Value);
        Assert.Equal("default", Assert.Single(items, i => i.Key == "Kor:Engine:QueuedBatches").Origin);
        Assert.NotEqual("default", Assert.Single(items, i => i.Key == "Kor:Engine:CheckpointInterval").Origin);
        Assert.Equal("7", Assert.Single(items, i => i.Key == "Kor:Kafka:main:Config:fetch.min.bytes").Value);
        Assert.Contains("Host=db", Assert.Single(items, i => i.Key == "Kor:Connections:more:ConnectionString").Value, StringComparison.OrdinalIgnoreCase);
    }

    private static Dictionary<string, string?> Good(params (string Key, string? Value)[] more)
    {
        var settings = new Dictionary<string, string?>
        {
            ["Kor:Kafka:main:BootstrapServers"] = "127.0.0.1:9092",
            ["Kor:Connections:state:Provider"] = "Sqlite",
            ["Kor:Connections:state:Database"] = "state.db",
            ["Kor:Connections:dwh:Provider"] = "PostgreSql",
            ["Kor:Connections:dwh:Host"] = "db",
            ["Kor:Connections:dwh:Database"] = "dwh",
        };
        foreach (var (key, value) in more) settings[key] = value;
        return settings;
    }

    private static IConfigurationRoot Root(Dictionary<string, string?> settings) => new ConfigurationBuilder().AddInMemoryCollection(settings).Build();

    private static (KorOptions Options, IReadOnlyList<string> Faults) Read(Dictionary<string, string?> settings)
    {
        var options = new KorOptions();
        return (options, KorConfiguration.Read(Root(settings), options));
    }

    private static IEnumerable<string> Items(KorOptions options) =>
        ConfigurationView.Of(options, Root([])).Select(i => $"{i.Key}={i.Value}");
}
