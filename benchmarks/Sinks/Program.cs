// Rows per second of one sink lane and cells per second of one state owner, against databases on this machine.
// dotnet run -c Release --project benchmarks/Sinks -- [seconds per measurement, default 4] [postgresql|sqlite|oracle|all]
using System.Diagnostics;
using System.Globalization;
using System.Text;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.Sinks;
using KafkaOracleOrleans.Storage.State;
using KafkaOracleOrleans.TestSupport;

const int BatchRows = 1000;
const int Keys = 100_000;
var seconds = args.Length > 0 ? double.Parse(args[0], CultureInfo.InvariantCulture) : 4;
var which = args.Length > 1 ? args[1] : "all";
var schema = new Schema(
    new Field("customer_id", FieldType.String, false), new Field("window_start", FieldType.Timestamp, false),
    new Field("window_end", FieldType.Timestamp), new Field("orders", FieldType.Integer),
    new Field("revenue", FieldType.Decimal(18, 2)), new Field("average", FieldType.Decimal(18, 4)),
    new Field("revision", FieldType.Integer, false));

Console.WriteLine("| database | what | rows/s | our CPU us/row | rows per our CPU-second |");
Console.WriteLine("|---|---|---|---|---|");
if (which is "all" or "sqlite")
{
    var folder = Directory.CreateTempSubdirectory("kor-bench-");
    await MeasureAllAsync("sqlite", n => new ConnectionOptions
    {
        Provider = DatabaseProvider.Sqlite, Database = Path.Combine(folder.FullName, $"{n}.db"),
    });
    folder.Delete(recursive: true);
}

if (which is "all" or "postgresql" && PostgresCluster.SkipReason is null)
{
    await using var cluster = await PostgresCluster.StartAsync(fsync: true);
    var names = new Dictionary<string, string>();
    foreach (var n in (string[])["append", "upsert", "state"]) names[n] = await cluster.CreateDatabaseAsync(n);
    await MeasureAllAsync("postgresql", n => new ConnectionOptions
    {
        Provider = DatabaseProvider.PostgreSql, ConnectionString = cluster.For(names[n]),
    });
}

if (which is "all" or "oracle" && PostgresCluster.SkipReason is null)
{
    // Not Oracle: the stand-in takes the array binds, checks them and does nothing with them, so that what is measured is our side alone,
    // from the rows to the bound arrays, with the lane's row and COMMIT on PostgreSQL.
    await using var cluster = await PostgresCluster.StartAsync(fsync: true);
    var names = new Dictionary<string, string>();
    foreach (var n in (string[])["append", "upsert"])
    {
        names[n] = await cluster.CreateDatabaseAsync(n);
        await Oracle.ManagedDataAccess.Client.OracleConnection.SetUpAsync(cluster.For(names[n]));
    }

    foreach (var mode in (SinkMode[])[SinkMode.Append, SinkMode.Upsert])
    {
        var options = new ConnectionOptions
        {
            Provider = DatabaseProvider.Oracle, Host = "127.0.0.1", Port = cluster.Port, User = "postgres", Password = "none",
            Database = names[mode == SinkMode.Append ? "append" : "upsert"],
        };
        Oracle.ManagedDataAccess.Client.OracleCommand.DiscardArrays = true;
        await SinkAsync("oracle, our side of the stand-in", options, mode);
        Oracle.ManagedDataAccess.Client.OracleCommand.DiscardArrays = false;
    }
}

async Task MeasureAllAsync(string name, Func<string, ConnectionOptions> options)
{
    await SinkAsync(name, options("append"), SinkMode.Append);
    await SinkAsync(name, options("upsert"), SinkMode.Upsert);
    await StateAsync(name, options("state"));
}

async Task SinkAsync(string name, ConnectionOptions options, SinkMode mode)
{
    await using var connections = new DatabaseConnections(new Dictionary<string, ConnectionOptions> { ["db"] = options });
    var factory = new AdoSinkFactory(connections);
    var spec = new SinkSpec(
        "bench", "s", "db", "revenue_5m", mode, schema, ["customer_id", "window_start"],
        mode == SinkMode.Upsert ? "revision" : null, true, false);
    await factory.PrepareAsync(spec, default);
    await using var lane = await factory.OpenAsync(spec, "0", default);
    var random = new Random(1);
    var block = new RowBlock(schema);
    var made = 0L;
    // Upserts: random keys of 100,000, so that after the first rounds most rows are updates of pages all over the
    // table.
    await MeasureAsync(name, $"{mode} of 7 columns, {BatchRows} rows a transaction", BatchRows, async () =>
    {
        Fill(block, random, ref made, mode);
        await lane.WriteAsync(new SinkWrite(block, made, null, null), default);
    });
}

void Fill(RowBlock block, Random random, ref long made, SinkMode mode)
{
    block.Reset(BatchRows);
    Span<byte> key = stackalloc byte[16];
    for (var row = 0; row < BatchRows; row++)
    {
        made++;
        var number = mode == SinkMode.Append ? made : random.Next(Keys);
        Encoding.ASCII.GetBytes("customer-", key);
        number.TryFormat(key[9..], out var written, "D7", CultureInfo.InvariantCulture);
        ((BinaryColumn)block.Columns[0]).Set(row, key[..(9 + written)]);
        var start = 1_700_000_000_000_000L + (made / 50_000 * 300_000_000L * (mode == SinkMode.Append ? 1 : 0));
        ((LongColumn)block.Columns[1]).Set(row, start);
        ((LongColumn)block.Columns[2]).Set(row, start + 300_000_000L);
        ((LongColumn)block.Columns[3]).Set(row, row);
        ((DecimalColumn)block.Columns[4]).Set(row, new decimal(random.Next(), 0, 0, false, 2));
        ((DecimalColumn)block.Columns[5]).Set(row, new decimal(random.Next(), 0, 0, false, 4));
        ((LongColumn)block.Columns[6]).Set(row, made);
    }
}

async Task StateAsync(string name, ConnectionOptions options)
{
    await using var database = new Database("db", options);
    await StateSchema.EnsureAsync(database, true, default);
    var store = new AdoStateStore(database);
    const string Owner = "bench/shard/revenue_5m/0";
    var lease = await store.AcquireAsync(Owner, default);
    var payload = new byte[200];
    var random = new Random(2);
    const int Cells = 5000;
    await MeasureAsync(name, $"checkpoint of {Cells} cells of 200 bytes", Cells, async () =>
    {
        random.NextBytes(payload);
        var at = random.Next(Keys / Cells) * Cells;
        var cells = new CellState[Cells];
        for (var i = 0; i < Cells; i++)
            cells[i] = new CellState(
                new CellId("revenue_5m", string.Create(CultureInfo.InvariantCulture, $"customer-{at + i:D7}"), 0),
                    payload, i);
        await store.CommitAsync(
            new CheckpointWrite { Owner = Owner, Epoch = lease.Epoch, Header = payload, Upserts = cells }, default);
    });
}

async Task MeasureAsync(string name, string what, int rows, Func<Task> step)
{
    for (var i = 0; i < 10; i++) await step();
    var cpu = Environment.CpuUsage.TotalTime;
    var clock = Stopwatch.StartNew();
    var steps = 0;
    for (; clock.Elapsed.TotalSeconds < seconds; steps++) await step();
    var perRow = (Environment.CpuUsage.TotalTime - cpu).TotalMicroseconds / ((double)steps * rows);
    var rate = steps * rows / clock.Elapsed.TotalSeconds;
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {name} | {what} | {rate:N0} | {perRow:N2} | {1e6 / perRow:N0} |"));
}
