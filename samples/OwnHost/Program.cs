using KafkaOracleOrleans.Silo.Hosting;
using OwnHost;

var builder = WebApplication.CreateBuilder(args);
builder.AddKor().AddRecordTransform<Scoring>();
var app = builder.Build();
app.MapKor();
await app.RunAsync();
