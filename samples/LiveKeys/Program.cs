// A web service of yours that answers with the live state of keys: what a customer has ordered up to this second, straight from the
// windows of the running pipeline, with no table in between. Start the demo, then this, then ask:
//
//   dotnet run --project Silo -- demo
//   dotnet run --project samples/LiveKeys -- --urls http://127.0.0.1:5080
//   curl http://127.0.0.1:5080/customers/c-0005
//
// The demo prints its gateway and the file of its secret; the defaults here are the same. Other silos: Kor__Gateway and Kor__SecretFile.
using KafkaOracleOrleans.Client;
using KafkaOracleOrleans.Grains.Interfaces;

var builder = WebApplication.CreateBuilder(args);
builder.Services.AddKorClient(options =>
{
    if (builder.Configuration["Kor:Gateway"] is { } gateway) options.Gateways = [gateway];
    options.SecretFile = builder.Configuration["Kor:SecretFile"]
        ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData), "kor", "demo-gateway.secret");
});
var app = builder.Build();

app.MapGet("/customers/{id}", async (string id, KorClient kor) =>
    await kor.GetKeyAsync("orders", "revenue_5m", id) is { } key
        ? Results.Ok(new { customer = id, open = key.Windows, closed = key.Closed, reflects = key.Positions })
        : Results.NotFound());

app.MapGet("/health", async (KorClient kor) =>
    await kor.GetStatusAsync("orders") is { } status ? Results.Ok(Verdict.Of(status)) : Results.NotFound());

app.Run();
