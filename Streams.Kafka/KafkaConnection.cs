using KafkaOracleOrleans.Streams.Kafka.Native;

namespace KafkaOracleOrleans.Streams.Kafka;

/// <summary>How a Kafka cluster is reached. <see cref="ToString"/> hides secrets.</summary>
public sealed class KafkaConnection
{
    /// <summary>Comma-separated <c>host:port</c> list of some brokers. Required.</summary>
    public string BootstrapServers { get; set; } = "";

    /// <summary><c>plaintext</c> (default), <c>ssl</c>, <c>sasl_plaintext</c> or <c>sasl_ssl</c>.</summary>
    public string? SecurityProtocol { get; set; }

    /// <summary><c>PLAIN</c>, <c>SCRAM-SHA-256</c>, <c>SCRAM-SHA-512</c> or <c>OAUTHBEARER</c>.</summary>
    public string? SaslMechanism { get; set; }

    /// <summary>User for PLAIN and SCRAM.</summary>
    public string? SaslUsername { get; set; }

    /// <summary>Password for PLAIN and SCRAM. Secret.</summary>
    public string? SaslPassword { get; set; }

    /// <summary>
    /// Accepts that credentials cross the network unencrypted (<c>sasl_plaintext</c>). Default false: such a connection
    /// is refused, also with SCRAM, which hides the password only from those who can't guess it offline.
    /// </summary>
    public bool AllowPlaintextPassword { get; set; }

    /// <summary>File with the certificates of the authorities to trust, PEM. Default: the system's.</summary>
    public string? SslCaLocation { get; set; }

    /// <summary>
    /// Any further librdkafka setting by its name, for consumers and producers alike; refused ones: see
    /// <see cref="KafkaConfigRules"/>. They win over the properties above and the provider's defaults.
    /// </summary>
    public Dictionary<string, string> Config { get; init; } = [];

    /// <inheritdoc/>
    public override string ToString() =>
        $"{BootstrapServers} {SecurityProtocol ?? "plaintext"} {SaslMechanism} user={SaslUsername ?? "(none)"} " +
        $"password={KafkaConfigRules.RedactIfSet(SaslPassword)} {{{KafkaConfigRules.Describe(Config)}}}";

    /// <summary>Everything that can be told to be wrong without a broker, each with its remedy. Never holds a secret.</summary>
    /// <param name="name">The connection's name, for the messages.</param>
    public IReadOnlyList<string> Faults(string name)
    {
        var refused = KafkaConfigRules.Faults(Config);
        if (refused.Count > 0)
            return [.. refused.Select(f => $"Config: {f}")];
        try
        {
            Validate(name);
        }
        catch (ArgumentException e)
        {
            return [e.Message];
        }

        try
        {
            var source = new KafkaSource { Name = "check", Topics = ["check"] };
            var consumer = ClientConfigs.Consumer(this, source, new KafkaStreamOptions(), 1);
            if (NativeConsumer.RefusalOf(consumer, producer: false) is not { } refusal)
                return [];
            var named = consumer.Where(c => refusal.Contains(c.Key, StringComparison.Ordinal) && !KafkaConfigRules.IsSecret(c.Key))
                .Select(c => $"{c.Key} is '{c.Value}'").ToList();
            return [$"librdkafka refuses the settings: {refusal}{(named.Count > 0 ? $" ({string.Join(", ", named)})" : "")}. Correct them or take them away."];
        }
        catch (ArgumentException e)
        {
            return [e.Message];
        }
    }

    internal void Validate(string name)
    {
        KafkaNames.CheckName(name, "connection name");
        if (string.IsNullOrWhiteSpace(BootstrapServers))
            throw new ArgumentException($"Connection '{name}' has no BootstrapServers; give host:port[,host:port...].");
        CheckOneOf(name, nameof(SecurityProtocol), SecurityProtocol, "plaintext", "ssl", "sasl_plaintext", "sasl_ssl");
        CheckOneOf(
            name, nameof(SaslMechanism), SaslMechanism, "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER",
            "GSSAPI");
        KafkaConfigRules.Check(Config, $"connection '{name}'");
        CheckCredentials(name);
    }

    /// <summary>Judges what will really be used: <see cref="Config"/> may say it instead of the properties.</summary>
    private void CheckCredentials(string name)
    {
        var config = ToClientConfig();
        var protocol = config.GetValueOrDefault("security.protocol", "plaintext");
        var mechanism = config.GetValueOrDefault("sasl.mechanism", config.GetValueOrDefault("sasl.mechanisms", ""));
        var hasPassword = config.ContainsKey("sasl.password");
        if (!protocol.StartsWith("sasl", StringComparison.OrdinalIgnoreCase))
        {
            if (hasPassword)
            {
                throw new ArgumentException(
                    $"Connection '{name}' has a SaslPassword, but SecurityProtocol {protocol} uses none; set " +
                    "SecurityProtocol to sasl_ssl, or take the password away.");
            }

            return;
        }

        if (mechanism.Length == 0)
        {
            throw new ArgumentException(
                $"Connection '{name}': SecurityProtocol {protocol} needs a SaslMechanism: PLAIN, SCRAM-SHA-256, " +
                "SCRAM-SHA-512 or OAUTHBEARER.");
        }

        var wantsPassword = mechanism.Equals("PLAIN", StringComparison.OrdinalIgnoreCase)
            || mechanism.StartsWith("SCRAM", StringComparison.OrdinalIgnoreCase);
        if (wantsPassword && !(hasPassword && config.ContainsKey("sasl.username")))
            throw new ArgumentException($"Connection '{name}': {mechanism} needs SaslUsername and SaslPassword.");
        var hasSecret = hasPassword || mechanism.Equals("OAUTHBEARER", StringComparison.OrdinalIgnoreCase);
        if (hasSecret && !AllowPlaintextPassword
            && protocol.Equals("sasl_plaintext", StringComparison.OrdinalIgnoreCase))
        {
            throw new ArgumentException(
                $"Connection '{name}' would send its credentials over an unencrypted connection (sasl_plaintext). Set " +
                "SecurityProtocol to sasl_ssl; where the network may be trusted, AllowPlaintextPassword to true.");
        }
    }

    /// <summary>The librdkafka settings common to consumers, producers and admin clients. They hold the password: never log them.</summary>
    public Dictionary<string, string> ToClientConfig()
    {
        var config = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["bootstrap.servers"] = BootstrapServers,
        };
        AddIfSet(config, "security.protocol", SecurityProtocol);
        AddIfSet(config, "sasl.mechanism", SaslMechanism);
        AddIfSet(config, "sasl.username", SaslUsername);
        AddIfSet(config, "sasl.password", SaslPassword);
        AddIfSet(config, "ssl.ca.location", SslCaLocation);
        foreach (var (key, value) in Config)
            config[key] = value;
        return config;
    }

    private static void AddIfSet(Dictionary<string, string> config, string key, string? value)
    {
        if (value is not null)
            config[key] = value;
    }

    private static void CheckOneOf(string name, string property, string? value, params string[] allowed)
    {
        if (value is not null && !allowed.Contains(value, StringComparer.OrdinalIgnoreCase))
        {
            throw new ArgumentException(
                $"Connection '{name}': {property} '{value}' is not one of {string.Join(", ", allowed)}.");
        }
    }
}
