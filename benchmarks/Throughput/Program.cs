using System.CommandLine;
using KafkaOracleOrleans.Benchmarks.Throughput;

var names = string.Join(", ", Cell.All.Select(c => c.Name));
var cells = new Option<string[]>("--cells")
{
    Description = $"What to measure: some of {names}.",
    AllowMultipleArgumentsPerToken = true,
    DefaultValueFactory = _ => ["floor", "groups", "keys", "million"],
};
var small = new Option<long>("--small") { Description = "Records of the short run.", DefaultValueFactory = _ => 2_000_000 };
var large = new Option<long>("--large") { Description = "Records of the long run; 0: only the short one.", DefaultValueFactory = _ => 12_000_000 };
var seed = new Option<int>("--seed") { DefaultValueFactory = _ => 1 };
var silo = new Option<string?>("--silo") { Description = "Folder of another build of the silo to measure." };
var interactive = new Option<bool>("--interactive") { Description = "Keep the servers and measure what lines of the input ask for: a cell and, perhaps, the number of records." };
var root = new RootCommand("Workload W1 against one silo with Kafka and PostgreSQL on this machine; no match with the expected rows, no number.")
{
    cells, small, large, seed, silo, interactive,
};
root.Validators.Add(result =>
{
    foreach (var name in result.GetValue(cells)!.Where(n => Cell.All.All(c => c.Name != n)))
        result.AddError($"There is no cell '{name}'; there are {names}.");
});
root.SetAction(async (result, cancellation) => await Run.AllAsync(
    [.. Cell.All.Where(c => result.GetValue(cells)!.Contains(c.Name))],
    new Sizes(result.GetValue(seed), result.GetValue(small), result.GetValue(large)),
    result.GetValue(silo),
    result.GetValue(interactive),
    cancellation));

var bootstrap = new Argument<string>("bootstrap");
var topic = new Argument<string>("topic");
var records = new Argument<long>("records");
var floor = new Command("floor", "Reads and parses a topic and waits for the end of its input; used by the run itself.") { bootstrap, topic, records };
floor.SetAction(result =>
{
    using var run = new Floor(result.GetValue(bootstrap)!, result.GetValue(topic)!);
    run.Run(result.GetValue(records));
    Console.WriteLine("done");
    Console.In.ReadToEnd();
});
root.Add(floor);
return await root.Parse(args).InvokeAsync();
