using System.CommandLine;
using KafkaOracleOrleans.Benchmarks.Throughput;

var spread = new Option<KeySpread>("--keys") { Description = "K10Z: 10,000 Zipf keys; K1MU: 1,000,000 uniform keys.", DefaultValueFactory = _ => KeySpread.K10Z };
var grain = new Option<string>("--grain-per") { Description = "key, or group(n).", DefaultValueFactory = _ => "group(4)" };
var shards = new Option<int>("--shards") { DefaultValueFactory = _ => 4 };
var small = new Option<long>("--small") { Description = "Records of the short run.", DefaultValueFactory = _ => 2_000_000 };
var large = new Option<long>("--large") { Description = "Records of the long run; 0: only the short one.", DefaultValueFactory = _ => 12_000_000 };
var seed = new Option<int>("--seed") { DefaultValueFactory = _ => 1 };
var hopping = new Option<bool>("--hopping") { Description = "Query B: hopping 5 min / 1 min." };
var root = new RootCommand("Workload W1 against one silo with Kafka and PostgreSQL on this machine; no match with the expected rows, no number.")
{
    spread, grain, shards, small, large, seed, hopping,
};
root.SetAction(async (result, cancellation) => await Run.AllAsync(
    new RunOptions(
        result.GetValue(spread), result.GetValue(grain)!, result.GetValue(shards), result.GetValue(seed), result.GetValue(hopping)),
    result.GetValue(small),
    result.GetValue(large),
    cancellation));
return await root.Parse(args).InvokeAsync();
