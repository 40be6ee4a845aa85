using System.Collections.Concurrent;
using KafkaOracleOrleans.Streams.Kafka.Native;

namespace KafkaOracleOrleans.Streams.Kafka.Reading;

/// <summary>Topics that are missing, and topics that are not what they were.</summary>
internal sealed partial class SourceReader
{
    private readonly ConcurrentDictionary<string, string> _topicIds = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<(string Topic, string Id)> _replaced = new();

    /// <summary>On librdkafka's thread, before it fetches from the new topic: from here on nothing is taken.</summary>
    void INativeEvents.OnTopicReplaced(string topic, string newId)
    {
        if (_topicIds.TryGetValue(topic, out var known) && known == newId)
            return;
        foreach (var reader in _partitions.Values.Where(r => r.Id.Topic == topic))
            reader.IsTopicReplaced = true;
        _replaced.Enqueue((topic, newId));
        Wake();
    }

    private async Task NoteReplacedAsync()
    {
        while (_replaced.TryDequeue(out var change))
        {
            if (!_topicIds.TryGetValue(change.Topic, out var known) || known != change.Id)
            {
                await FailRecreatedAsync(change.Topic).ConfigureAwait(false);
                SetTopicId(change.Topic, change.Id);
                continue;
            }

            // Noted by the other way in the meantime, and perhaps people have sought already: what was not taken
            // since is fetched again.
            foreach (var reader in _partitions.Values.Where(r => r.Id.Topic == change.Topic && r.IsTopicReplaced))
            {
                reader.IsTopicReplaced = false;
                if (reader.State != KafkaPartitionState.Failed)
                    _poll?.RestartLater(reader, TimeSpan.Zero);
            }
        }
    }

    /// <summary>Missing topics make their partitions wait; topics created anew make theirs fail.</summary>
    private async Task NoteTopicsAsync()
    {
        foreach (var topic in _topics)
        {
            if (topic.Error is not null || topic.Id.Length == 0)
                continue;
            if (_topicIds.TryGetValue(topic.Name, out var known) && known != topic.Id)
                await FailRecreatedAsync(topic.Name).ConfigureAwait(false);
            SetTopicId(topic.Name, topic.Id);
        }

        foreach (var reader in _partitions.Values)
        {
            var topic = _topics.FirstOrDefault(t => t.Name == reader.Id.Topic);
            if (reader.State == KafkaPartitionState.Failed)
                continue;
            if (topic is { Error: null })
            {
                // An idle partition says nothing when a passing fault is over.
                if (reader.FetchPosition.Next >= 0 && reader.FailureCode is KafkaFailureCode.Unreachable
                    or KafkaFailureCode.UnknownTopicOrPartition)
                    SetState(reader, KafkaPartitionState.Running, null);
                continue;
            }

            SetState(reader, KafkaPartitionState.Backoff, topic?.Error ?? new KafkaPartitionFailure(
                KafkaFailureCode.UnknownTopicOrPartition, $"Topic '{reader.Id.Topic}' does not exist at the moment."));
        }
    }

    /// <summary>After nothing of an earlier topic of the name is left: from here on it is this one that is read.</summary>
    private void SetTopicId(string topic, string id)
    {
        _topicIds[topic] = id;
        foreach (var reader in _partitions.Values.Where(r => r.Id.Topic == topic))
            reader.TopicId = id;
    }

    private async Task FailRecreatedAsync(string topic)
    {
        foreach (var reader in _partitions.Values.Where(r => r.Id.Topic == topic))
        {
            var position = reader.FetchPosition.Next;
            if (_poll is { } poll)
                await poll.HaltAsync(reader).ConfigureAwait(false);
            SetState(reader, KafkaPartitionState.Failed, new KafkaPartitionFailure(
                KafkaFailureCode.TopicRecreated,
                $"Topic '{topic}' was deleted and created again; position {position} means nothing in the new " +
                "one. Seek to where reading shall go on, for example 0.",
                position));
        }
    }
}
