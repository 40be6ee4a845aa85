using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Processing.Plan;

namespace KafkaOracleOrleans.Silo.Api;

/// <summary>What an endpoint tells the audit trail about what it does; <c>context.Features.Get&lt;AuditTrail&gt;()</c>.</summary>
public sealed class AuditTrail
{
    private readonly List<string> _did = [];
    private string? _tried;
    private long _shown;

    /// <summary>What was there before, in a few words and without secrets. Filled in for pipelines.</summary>
    public string? Before { get; set; }

    /// <summary>What is there after, and what was done. Filled in for pipelines.</summary>
    public string? After { get; set; }

    /// <summary>Notes what was done, in a few words and without secrets.</summary>
    public void Did(string what) => _did.Add(what);

    /// <summary>A text's SHA-256 as the trail has it: it tells which text it was, and nothing of it.</summary>
    public static string Hash(string text) => "sha256 " + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    /// <summary>Notes a definition that somebody tried, and what it would read and write.</summary>
    internal void Tried(string text, PipelinePlan? plan)
    {
        if (plan is null)
        {
            _tried = $"tried {Hash(text)}";
            return;
        }

        var lookups = string.Join(", ", plan.Steps.OfType<LookupPlan>().Select(l => $"{l.Lookup.Connection}.{l.Lookup.Table}"));
        var sinks = string.Join(", ", plan.Sinks.Select(s => $"{s.Spec.Connection}.{s.Spec.Table}"));
        _tried = $"tried '{plan.Name}', {Hash(text)}: topics {plan.Source.Connection}: {string.Join(", ", plan.Source.Topics)}; "
            + $"lookups {(lookups.Length == 0 ? "none" : lookups)}; sinks {(sinks.Length == 0 ? "none" : sinks)}";
    }

    /// <summary>Notes how many records were shown so far.</summary>
    internal void Showed(long records) => Interlocked.Exchange(ref _shown, records);

    /// <summary>Notes the offsets that were moved, or looked at for that.</summary>
    internal void Moved(ResetOutcome outcome)
    {
        var lines = outcome.Lines.Select(l => string.Create(CultureInfo.InvariantCulture, $"{l.Partition}: {Offset(l.Current)} -> {Offset(l.Target)}"));
        Did($"{(outcome.Refusal is not null ? "refused to move" : outcome.Executed ? "moved" : "would move")} {string.Join(", ", lines)}");
    }

    /// <summary>What was done, and the state it led to.</summary>
    internal string? With(string? state)
    {
        List<string> parts = [.. _did];
        if (_tried is not null) parts.Insert(0, _tried);
        if (Interlocked.Read(ref _shown) is var shown and > 0) parts.Add(string.Create(CultureInfo.InvariantCulture, $"{shown} records shown"));
        state = After ?? state;
        if (state is not null) parts.Add(state);
        return parts.Count == 0 ? null : string.Join("; ", parts);
    }

    private static string Offset(long? offset) => offset?.ToString(CultureInfo.InvariantCulture) ?? "none";
}
