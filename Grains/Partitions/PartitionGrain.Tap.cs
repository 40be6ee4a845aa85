using System.Text.Json;
using System.Text.Json.Nodes;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Processing.Expressions;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Steps;
using KafkaOracleOrleans.Processing.Testing;
using Microsoft.Extensions.Logging;

namespace KafkaOracleOrleans.Grains.Partitions;

/// <summary>Showing records to those who look. Without a tap a batch costs one comparison with null.</summary>
internal sealed partial class PartitionGrain
{
    private static readonly JsonSerializerOptions TapJson = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private List<Tap>? _taps;

    private sealed class Tap(TapRequest request, ITapObserver observer)
    {
        public TapRequest Request { get; } = request;
        public ITapObserver Observer { get; } = observer;
        public PipelineRuntime? Runtime { get; set; }
        public TapPlan? Plan { get; set; }
        public long RenewedAt { get; set; }
        public long SecondBegan { get; set; }
        public int Left { get; set; }
        public RowErrors Errors { get; } = new();
        public Selection Matching { get; } = new();
    }

    public Task<bool> TapAsync(TapRequest request, ITapObserver observer)
    {
        var tap = _taps?.Find(t => t.Request.Id == request.Id);
        if (tap is null)
        {
            // Without traffic nothing else takes away those whose readers are gone.
            _taps?.RemoveAll(t => time.GetElapsedTime(t.RenewedAt) > TapRequest.Lease);
            if (_taps?.Count >= TapRequest.MaxTaps) return Task.FromResult(false);
            tap = new Tap(request, observer);
            (_taps ??= []).Add(tap);
        }

        tap.RenewedAt = time.GetTimestamp();
        return Task.FromResult(true);
    }

    /// <summary>After a batch is done, while its rows still stand.</summary>
    private void ShowTaps()
    {
        _taps!.RemoveAll(t => time.GetElapsedTime(t.RenewedAt) > TapRequest.Lease);
        foreach (var tap in _taps) TryShow(tap);
        if (_taps.Count == 0) _taps = null;
    }

    /// <summary>Whoever looks must not disturb what is looked at: a fault costs the batch's records in this tap, nothing else.</summary>
    private void TryShow(Tap tap)
    {
        try
        {
            Show(tap);
        }
        catch (Exception e)
        {
            LogTap(_owner, e);
        }
    }

    private void Show(Tap tap)
    {
        if (tap.Runtime != _runtime)
        {
            // Another version may have other fields; who taps is told when the tap is renewed.
            tap.Runtime = _runtime;
            tap.Plan = TapPlan.Compile(_runtime!.Plan, tap.Request, out _);
        }

        if (tap.Plan is not { } plan || _pipeline.Output(plan.Output) is not { Selected.Count: > 0 } output) return;
        if (time.GetElapsedTime(tap.SecondBegan) >= TimeSpan.FromSeconds(1))
        {
            tap.SecondBegan = time.GetTimestamp();
            tap.Left = TapRequest.MaxPerSecond;
        }

        tap.Errors.Clear();
        var shown = tap.Left == 0 ? [] : Choose(tap, output);
        tap.Left -= shown.Count;
        // One-way: a tap whose reader is gone costs a message until its lease ends, never a wait.
        tap.Observer.ShowAsync(_source, output.Selected.Count, tap.Errors.Count, shown).Ignore();
    }

    private List<TapRecord> Choose(Tap tap, OutputRows output)
    {
        var selected = output.Selected;
        if (tap.Plan!.Where is { } where)
        {
            var now = time.GetUtcNow().ToUnixTimeMilliseconds() * 1000;
            where.Filter(output.Rows, selected, tap.Matching, null, new EvaluationContext(now, tap.Errors, "tap"));
            selected = tap.Matching;
        }

        var shown = new List<TapRecord>();
        foreach (var row in selected.Span)
        {
            if (shown.Count == tap.Left) break;
            if (tap.Request.Sample < 1 && Random.Shared.NextDouble() >= tap.Request.Sample) continue;
            shown.Add(RecordOf(output, row));
        }

        return shown;
    }

    private TapRecord RecordOf(OutputRows output, int row)
    {
        var fields = new JsonObject();
        for (var i = 0; i < output.Rows.Schema.Count; i++) fields[output.Rows.Schema[i].Name] = ColumnText.Json(output.Rows.Columns[i], row);
        var json = fields.ToJsonString(TapJson);
        var cut = json.Length > TapRequest.MaxRecordLength;
        var record = output.RecordOf(row);
        return new TapRecord(
            _source, _pipeline.Raw.Offsets[record], _pipeline.Raw.Timestamps[record], cut ? json[..TapRequest.MaxRecordLength] : json, cut);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Partition {Owner}: a tap could not show a batch.")]
    private partial void LogTap(string owner, Exception reason);
}
