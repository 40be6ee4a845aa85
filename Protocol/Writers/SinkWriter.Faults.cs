using System.Globalization;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Protocol.Faults;
using KafkaOracleOrleans.Protocol.Owners;

namespace KafkaOracleOrleans.Protocol.Writers;

/// <summary>What goes wrong turns into an answer; its caller keeps the rows and asks again.</summary>
internal sealed partial class SinkWriter
{
    /// <summary>Runs an action under its deadline. <paramref name="progress"/> is what the action brings the lane to.</summary>
    private async Task<WriterReply> GuardAsync(long? progress, int version, Func<CancellationToken, Task<WriterReply>> action)
    {
        using var deadline = new CancellationTokenSource(_identity.Deadline, _context.Time);
        var before = Progress;
        _under = default;
        try
        {
            return await action(deadline.Token);
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested)
        {
            // The outcome is unknown: the lane is opened anew and its progress row tells.
            await CloseAsync();
            return RefuseSlow(progress is not null && Progress > before);
        }
        catch (OwnerStoppedException e)
        {
            return Refuse(WriterAnswer.Busy, Condition.Blocked, e.Message, "stopped");
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            return await RefuseAsync(e, progress, version);
        }
    }

    private async Task<WriterReply> RefuseAsync(Exception e, long? progress, int version)
    {
        switch (_context.Faults.Classify(e))
        {
            case FaultKind.Fenced:
                // Another activation has taken the lane over; the owner's next call reaches it.
                _events.Superseded();
                return Refuse(WriterAnswer.Busy, Condition.Blocked, e.Message, "fenced");

            case FaultKind.Configuration:
                // The table is looked at again before the next try, as at the first start: it may have become another one meanwhile.
                await CloseAsync();
                return RefuseUntilRepaired(e, version);

            case FaultKind.Unavailable:
                var unavailable = e as SinkUnavailableException;
                // A part may be cut differently the next time; the lane could take the one for the other. Opened anew, its row tells.
                if (unavailable is not { IsUndone: true })
                {
                    if (_under.Rows > 0 && _under.Progress != progress) await CloseAsync();
                    else _owner.Term?.Doubt(progress);
                }

                return Refuse(WriterAnswer.Busy, Condition.Blocked, e.Message, unavailable?.Code ?? "unavailable", unavailable?.RetryAfter);

            default:
                // Nothing is known of the lane now: it is opened anew. An owner that only saw the call fail would repeat it without anybody knowing why.
                _events.FailedUnexpectedly(e);
                await CloseAsync();
                return Refuse(WriterAnswer.Busy, Condition.Blocked, $"The writer failed unexpectedly: {e.Message}", "fault");
        }
    }

    private WriterReply Fenced() => new(WriterAnswer.Fenced, Progress, $"Epoch {_newest} reigns over this lane's partition.", 0);

    private WriterReply RefuseUntilRepaired(Exception e, int version)
    {
        _failedVersion = version;
        var after = _repairs.Next();
        // A list of differences ends with a statement to copy.
        var reason = string.Create(
            CultureInfo.InvariantCulture,
            $"{e.Message}{(e.Message.Contains('\n', StringComparison.Ordinal) ? '\n' : ' ')}It is checked again by itself, {after.TotalSeconds:0.#} s after this try.");
        return Refuse(WriterAnswer.Failed, Condition.Failed, reason, (e as SinkConfigurationException)?.Code ?? "configuration", after);
    }

    /// <summary>The time is over; what is repeated goes in smaller parts, and at once when some of them were written.</summary>
    private WriterReply RefuseSlow(bool gotOn)
    {
        var reason = string.Create(CultureInfo.InvariantCulture, $"The database did not answer within {_identity.Deadline.TotalSeconds:0} s");
        if (_size.WasTooSlow(_under.Rows))
            reason += string.Create(CultureInfo.InvariantCulture, $"; of {_under.Rows:N0} rows {_size.AtOnce:N0} are tried next");
        reason += ". Either another session holds a lock on the table or its rows, or the database is slow: look at its sessions and locks";
        return Refuse(WriterAnswer.Busy, Condition.Blocked, reason + ".", "deadline", gotOn ? TimeSpan.Zero : null);
    }

    private WriterReply Refuse(WriterAnswer answer, Condition condition, string reason, string code, TimeSpan? after = null)
    {
        Become(condition, reason);
        NextTry = after is { } wait ? _context.Time.GetUtcNow() + wait : null;
        _events.Refused(code, answer == WriterAnswer.Busy);
        return new WriterReply(answer, Progress, reason, 0, after);
    }

    private void Become(Condition condition, string? reason)
    {
        var changed = condition != Condition;
        (Condition, Reason) = (condition, reason);
        if (changed) _events.Became(condition, reason);
        if (condition == Condition.Failed) return;
        NextTry = null;
        if (condition == Condition.Running) _repairs.Reset();
    }
}
