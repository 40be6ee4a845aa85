using Confluent.Kafka;
using KafkaOracleOrleans.Grains.Interfaces;

namespace KafkaOracleOrleans.EndToEnd.Tests.Cases;

/// <summary>Small inputs that once gave a wrong answer, on a running silo, with what is right.</summary>
public sealed class CaseTests(CaseStage stage) : IClassFixture<CaseStage>
{
    [Fact]
    public async Task A_row_without_revision_never_replaces_one_that_has_one()
    {
        await stage.RunAsync("rev");
        await stage.DrainedAsync("rev", 6);
        await stage.RowsAsync("rev", "select * from rev_t order by id", "a|new|7", "b|second|6", "c|later|1");
    }

    [Fact]
    public async Task Of_equal_revisions_the_later_record_counts_however_they_are_batched()
    {
        await stage.RunAsync("eqrev");
        await stage.RowsAsync("eqrev", "select count(*) from eqrev_t", "2");
        stage.Send([("eqrev", """{"id": "apart", "v": "second", "rev": "2026-01-31T10:00:00Z"}""")]);
        await stage.DrainedAsync("eqrev", 4);
        await stage.RowsAsync("eqrev", "select count(distinct v) from eqrev_t", "1");
    }

    [Fact]
    public async Task The_ends_of_the_calendar_are_dates_not_infinities()
    {
        await stage.RunAsync("inf");
        await stage.DrainedAsync("inf", 4);
        await stage.RowsAsync(
            "inf",
            "select id, isfinite(valid_to) and isfinite(at), valid_to > date '9999-12-30', valid_to < date '0001-01-02' from inf_t where id < 4 order by id",
            "1|t|t|f", "2|t|f|t", "3|t|f|f");
        Assert.Equal("0", await stage.SqlAsync("select count(*) from inf_t where not isfinite(at) or not isfinite(valid_to)"));
    }

    [Fact]
    public async Task A_time_is_never_rounded_into_another_second()
    {
        await stage.RunAsync("ts3");
        var status = await stage.DrainedAsync("ts3", 2);
        // What the column would round is refused (KOR5106): both have more than three digits.
        Assert.Equal(2, status.Sinks.Sum(s => s.Quarantined));
        Assert.Equal("0", await stage.SqlAsync("select count(*) from ts3_t"));
    }

    [Fact]
    public async Task A_time_is_never_rounded_onto_another_key()
    {
        await stage.RunAsync("tz0");
        var status = await stage.DrainedAsync("tz0", 3);
        await stage.RowsAsync("tz0", "select n from tz0_t", "3");
        Assert.Equal(2, status.Sinks.Sum(s => s.Quarantined));
    }

    [Fact]
    public async Task Integer_and_smallint_take_their_whole_range()
    {
        await stage.RunAsync("int4");
        var status = await stage.DrainedAsync("int4", 5);
        Assert.Equal(1, status.Sinks.Sum(s => s.Quarantined));
        await stage.RowsAsync(
            "int4", "select id, epoch, small from int4_t order by id", "1|999999999|9999", "2|1767225600|1", "3|1|20000", "4|2147483647|32767");
    }

    [Fact]
    public async Task Two_keys_that_only_the_database_holds_equal_are_one_row_and_the_later_wins()
    {
        await stage.RunAsync("bpchar");
        await stage.DrainedAsync("bpchar", 3);
        await stage.RowsAsync("bpchar", "select trim(code), n from bpchar_t order by code", "abc|2", "zz|3");
    }

    [Fact]
    public async Task A_valid_change_of_a_unique_column_is_written()
    {
        await stage.RunAsync("uniq");
        var status = await stage.DrainedAsync("uniq", 2);
        await stage.RowsAsync("uniq", "select * from uniq_t order by id", "1|b", "2|c");
        Assert.Equal(0, status.Sinks.Sum(s => s.Quarantined));
    }

    [Fact]
    public async Task A_child_waits_for_its_parent()
    {
        await stage.RunAsync("fk");
        await stage.RowsAsync("fk", "select o.ord, c.cust from fk_order o join fk_cust c using (cust) order by 1", "o1|c1", "o2|c2");
        var status = await stage.DrainedAsync("fk", 2);
        Assert.Equal(0, status.Sinks.Sum(s => s.Quarantined));
    }

    [Fact]
    public async Task Bad_rows_are_quarantined_however_many_they_are()
    {
        await stage.RunAsync("poison");
        var status = await stage.DrainedAsync("poison", 9);
        await stage.RowsAsync("poison", "select * from poison_t", "100|ok");
        Assert.Equal(8, status.Sinks.Sum(s => s.Quarantined));
        Assert.Equal(PartState.Running, status.State);
    }

    [Fact]
    public async Task A_topic_made_again_stops_with_the_reason_rather_than_lose_rows_in_silence()
    {
        await stage.RunAsync("recreate");
        await stage.DrainedAsync("recreate", 5);
        await stage.RowsAsync("recreate", "select count(*) from recreate_t", "5");
        await stage.Kafka.DeleteTopicAsync("recreate");
        await stage.Kafka.CreateTopicAsync("recreate", 1);
        stage.Send(Enumerable.Range(0, 6).Select(i => ("recreate", $$"""{"id": "new-{{i}}", "n": {{i}}}""")));

        // The runbook's recipe for a topic that was made again, but for the table, which still holds other records' rows at the same offsets.
        await stage.PutAsync("recreate", "stop");
        await stage.StatusAsync("recreate", s => s.State == PartState.Stopped);
        (await stage.Silo.ResetAsync(execute: true, "recreate")).EnsureSuccessStatusCode();
        await stage.PutAsync("recreate", "start");
        var status = await stage.StatusAsync("recreate", s => s.Reason?.Contains("holds another row", StringComparison.Ordinal) == true);
        Assert.NotEqual(PartState.Running, status.State);
        await stage.RowsAsync("recreate", "select count(*) from recreate_t", "5");

        // A remedy of it: the rows of the old topic go, and the sink goes on by itself.
        await stage.SqlAsync("truncate recreate_t");
        await stage.RowsAsync("recreate", "select id from recreate_t order by id", "new-0", "new-1", "new-2", "new-3", "new-4", "new-5");
        await stage.DrainedAsync("recreate", 6);
    }

    [Fact]
    public async Task A_topic_made_again_while_its_pipeline_is_stopped_is_not_taken_for_the_old_one()
    {
        await stage.RunAsync("remade");
        await stage.DrainedAsync("remade", 5);
        await stage.PutAsync("remade", "stop");
        await stage.StatusAsync("remade", s => s.State == PartState.Stopped);
        await stage.Kafka.DeleteTopicAsync("remade");
        await stage.Kafka.CreateTopicAsync("remade", 1);
        // More than before: the old position is a valid one, behind five records that nobody would ever read.
        stage.Send(Enumerable.Range(0, 9).Select(i => ("remade", $$"""{"id": "new-{{i}}", "n": {{i}}}""")));
        for (var i = 0; i < 2; i++)
        {
            await stage.PutAsync("remade", "start");
            var status = await stage.StatusAsync(
                "remade", s => s.Reason?.Contains("was deleted and created again", StringComparison.Ordinal) == true);
            Assert.Equal((PartState.Failed, 5), (status.State, status.Counts.Consumed));
            Assert.Contains("kor reset remade --offsets remade/0=0", status.Reason);
            await stage.PutAsync("remade", "stop");
            await stage.StatusAsync("remade", s => s.State == PartState.Stopped);
        }

        (await stage.Silo.ResetAsync(execute: true, "remade")).EnsureSuccessStatusCode();
        await stage.SqlAsync("truncate remade_t");
        await stage.PutAsync("remade", "start");
        await stage.RowsAsync("remade", "select count(*), min(id), max(id) from remade_t", "9|new-0|new-8");
        await stage.DrainedAsync("remade", 9);
    }

    [Theory]
    [InlineData("trunc")]
    [InlineData("truncw")]
    public async Task A_log_cut_beyond_the_position_fails_the_pipeline_with_offset_and_range(string name)
    {
        await stage.RunAsync(name);
        await stage.DrainedAsync(name, 5);
        await stage.PutAsync(name, "stop");
        await stage.StatusAsync(name, s => s.State == PartState.Stopped);
        stage.Send(Enumerable.Range(5, 5).Select(i => (name, $$"""{"id": "a-{{i}}", "n": {{i}}}""")));
        await stage.Kafka.DeleteRecordsAsync(name, 0, 8);
        await stage.PutAsync(name, "start");
        var status = await stage.StatusAsync(name, s => s.State == PartState.Failed);
        var reason = Assert.Single(status.Partitions).Reason;
        Assert.Matches(@"\b5\b.*\b8\b", reason);
    }

    [Fact]
    public async Task What_appears_after_the_start_is_read_from_its_beginning()
    {
        await stage.Kafka.CreateTopicAsync("grow-a", 1);
        stage.Send([("grow-a", """{"id": "before"}""")]);
        await stage.RunAsync("grow");
        await stage.StatusAsync("grow", s => s is { State: PartState.Running, Partitions: [{ Position: 1 }] });
        await stage.Kafka.AddPartitionsAsync("grow-a", 2);
        await stage.Kafka.CreateTopicAsync("grow-b", 1);
        using (var producer = new TestSupport.KafkaTestProducer(stage.Kafka.BootstrapServers))
        {
            producer.Send("grow-a", 0, null, """{"id": "old partition"}"""u8.ToArray());
            producer.Send("grow-a", 1, null, """{"id": "new partition"}"""u8.ToArray());
            producer.Send("grow-b", 0, null, """{"id": "new topic"}"""u8.ToArray());
            producer.Flush();
        }

        await stage.RowsAsync("grow", "select id from grow_t order by id", "new partition", "new topic", "old partition");
    }

    [Fact]
    public async Task Records_of_a_transaction_open_longer_than_idleAfter_are_in_time()
    {
        foreach (var topic in (string[])["txn2", "txn2w"]) await stage.Kafka.CreateTopicAsync(topic, 1);
        await stage.RunAsync("txn2");
        await stage.AddAsync("txn2", "witness.yaml");
        foreach (var name in (string[])["txn2", "txn2w"]) await stage.StatusAsync(name, s => s.State == PartState.Running);
        using var plain = new TestSupport.KafkaTestProducer(stage.Kafka.BootstrapServers);
        await ProduceAsync(plain, "txn2", 0);
        using var producer = new TestSupport.KafkaTestProducer(stage.Kafka.BootstrapServers, "cases-txn2");
        producer.Inner.InitTransactions(TimeSpan.FromSeconds(30));
        producer.Inner.BeginTransaction();
        for (var i = 0; i < 5; i++) await ProduceAsync(producer, "txn2", 500 + i);

        // The same pipeline over a partition without a transaction: when its window closes by idleness, so would the other's.
        await ProduceAsync(plain, "txn2w", 0);
        await stage.RowsAsync("txn2w", "select n from txn2w_w", "1");
        var held = await stage.StatusAsync("txn2", s => s.Lag >= 5 && s.Partitions.Any(p => p.Reason is not null));
        Assert.Equal(1, held.Counts.Consumed);
        Assert.Contains("transaction is open from offset 1 on", held.Partitions.Single(p => p.Reason is not null).Reason);
        producer.Inner.CommitTransaction(TimeSpan.FromSeconds(30));
        await stage.RowsAsync("txn2", "select count(*) from txn2_t", "6");
        await stage.RowsAsync("txn2", "select n from txn2_w", "6");
        Assert.Equal(0, (await stage.StatusAsync("txn2", s => s.Counts.Consumed == 6)).Counts.Late);
    }

    /// <summary>A record by Kafka's own time, within one window of three seconds.</summary>
    private static async Task ProduceAsync(TestSupport.KafkaTestProducer producer, string topic, int ms) => await producer.Inner.ProduceAsync(
        new TopicPartition(topic, 0),
        new Message<byte[]?, byte[]?>
        {
            Value = System.Text.Encoding.UTF8.GetBytes($$"""{"id": "t{{ms}}"}"""),
            Timestamp = new Timestamp(1_767_225_600_000 + ms, TimestampType.CreateTime),
        },
        TestContext.Current.CancellationToken);

    [Fact]
    public async Task What_a_reference_table_holds_is_a_records_fault_at_most()
    {
        // Asked row by row, and read as a whole beforehand.
        await stage.RunAsync("lookup");
        await stage.AddAsync("lookup", "p2.yaml");
        foreach (var name in (string[])["lookup", "lookup2"])
        {
            await stage.RowsAsync(name, $"select id, seg from {name}_t where id in (1, 6, 7) order by id", "1|s1", "6|", "7|s1");
            var status = await stage.DrainedAsync(name, 7);
            Assert.Equal(PartState.Running, status.State);
            Assert.Equal("0", await stage.SqlAsync($"select count(*) from {name}_t where id in (2, 4, 5)"));
        }
    }
}
