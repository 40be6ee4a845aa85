using System.Security.Cryptography.X509Certificates;
using System.Text;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Schemas;
using KafkaOracleOrleans.Silo.Hosting;
using KafkaOracleOrleans.Silo.Registries;
using KafkaOracleOrleans.Silo.Tests.Support;

namespace KafkaOracleOrleans.Silo.Tests;

public sealed class RegistryClientTests
{
    private const string Schema = """{"type":"record","name":"R","fields":[{"name":"a","type":"int"}]}""";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_schema_is_asked_for_once_and_an_unknown_one_again()
    {
        await using var registry = await TestRegistry.StartAsync();
        registry.Register("orders-value", Schema);
        using var registries = Of(new RegistryOptions { Url = registry.Url });
        var found = (await FindAsync(registries, 1))!;
        Assert.Equal(("AVRO", Schema, 0), (found.Type, found.Text, found.References.Count));
        Assert.NotNull(await FindAsync(registries, 1));
        Assert.Equal(1, registry.Requests);
        Assert.Null(await FindAsync(registries, 2));
        registry.Register("orders-value", Schema.Replace("int", "long", StringComparison.Ordinal), "JSON");
        Assert.Equal("JSON", (await FindAsync(registries, 2))!.Type);
        Assert.Equal("JSON", (await registries.FindAsync("main", new SchemaId(0, TestRegistry.GuidOf(2)), Cancellation))!.Type);
    }

    [Fact]
    public async Task What_a_schema_refers_to_comes_before_it()
    {
        await using var registry = await TestRegistry.StartAsync();
        registry.Register("country", """{"type":"enum","name":"Country","symbols":["AT"]}""");
        registry.Register("address", """{"type":"record","name":"Address","fields":[{"name":"c","type":"Country"}]}""", "AVRO", ("Country", "country", 1));
        registry.Register("order", """{"type":"record","name":"Order","fields":[{"name":"to","type":"Address"},{"name":"c","type":"Country"}]}""", "AVRO", ("Address", "address", 1), ("Country", "country", 1));
        using var registries = Of(new RegistryOptions { Url = registry.Url });
        var found = (await FindAsync(registries, 3))!;
        Assert.Equal(["Country", "Address"], found.References.Select(r => r.Contains("\"Address\"", StringComparison.Ordinal) ? "Address" : "Country"));
    }

    [Theory]
    [InlineData(500, "answers with 500")]
    [InlineData(401, "refuses us (401)")]
    [InlineData(403, "refuses us (403)")]
    [InlineData(404, "is none that we know")]
    public async Task Every_failure_says_which_registry_and_what_to_do(int status, string said)
    {
        await using var registry = await TestRegistry.StartAsync();
        registry.Status = status;
        using var registries = Of(new RegistryOptions { Url = registry.Url, User = "kor", Password = "s3cret-word" });
        var fault = await Assert.ThrowsAsync<SchemaRegistryException>(() => FindAsync(registries, 1));
        Assert.Contains(said, fault.Message, StringComparison.Ordinal);
        Assert.Contains("Kor:Registries:main", fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", fault.ToString(), StringComparison.Ordinal);
        registry.Status = null;
        registry.Register("a", Schema);
        Assert.NotNull(await FindAsync(registries, 1));
    }

    [Fact]
    public async Task The_next_address_is_asked_where_one_is_away()
    {
        await using var registry = await TestRegistry.StartAsync();
        registry.Register("a", Schema);
        using var registries = Of(new RegistryOptions { Url = $"http://127.0.0.1:{TestSupport.FreePorts.Next()},{registry.Url}" });
        Assert.NotNull(await FindAsync(registries, 1));
    }

    [Fact]
    public async Task Credentials_are_read_from_their_file_each_time()
    {
        await using var registry = await TestRegistry.StartAsync();
        registry.Register("a", Schema);
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, "old\n", Cancellation);
            registry.Authorization = "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes("kor:new"));
            using var basic = Of(new RegistryOptions { Url = registry.Url, User = "kor", PasswordFile = file });
            await Assert.ThrowsAsync<SchemaRegistryException>(() => FindAsync(basic, 1));
            await File.WriteAllTextAsync(file, "new\n", Cancellation);
            Assert.NotNull(await FindAsync(basic, 1));
            registry.Authorization = "Bearer new";
            using var bearer = Of(new RegistryOptions { Url = registry.Url, TokenFile = file });
            Assert.NotNull(await FindAsync(bearer, 1));
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task Tls_is_checked_and_may_be_mutual()
    {
        using var certificate = TestRegistry.Certificate();
        await using var registry = await TestRegistry.StartAsync(certificate, wantsClient: true);
        registry.Register("a", Schema);
        var folder = Directory.CreateTempSubdirectory("kor-registry-");
        try
        {
            var (ca, own) = (Path.Combine(folder.FullName, "ca.pem"), Path.Combine(folder.FullName, "own.pem"));
            await File.WriteAllTextAsync(ca, certificate.ExportCertificatePem(), Cancellation);
            await File.WriteAllTextAsync(own, certificate.ExportCertificatePem() + "\n" + certificate.GetRSAPrivateKey()!.ExportPkcs8PrivateKeyPem(), Cancellation);
            using var stranger = Of(new RegistryOptions { Url = registry.Url, CertificateFile = own });
            await Assert.ThrowsAsync<SchemaRegistryException>(() => FindAsync(stranger, 1));
            using var nobody = Of(new RegistryOptions { Url = registry.Url, CaFile = ca });
            await Assert.ThrowsAsync<SchemaRegistryException>(() => FindAsync(nobody, 1));
            using var both = Of(new RegistryOptions { Url = registry.Url, CaFile = ca, CertificateFile = own });
            Assert.NotNull(await FindAsync(both, 1));
        }
        finally
        {
            folder.Delete(true);
        }
    }

    [Theory]
    [InlineData("", null, null, "Url is empty")]
    [InlineData("registry:8081", null, null, "begins with http")]
    [InlineData("http://u:p@registry", null, null, "take them out of the address")]
    [InlineData("http://registry", "kor", "pw", "use https")]
    [InlineData("https://registry", "kor", null, "set PasswordFile")]
    [InlineData("https://registry", null, "pw", "set User")]
    public void Settings_that_cannot_work_are_told(string url, string? user, string? password, string said) =>
        Assert.Contains(said, string.Join('\n', new RegistryOptions { Url = url, User = user, Password = password }.Faults()), StringComparison.Ordinal);

    [Theory]
    [InlineData("https://registry", "kor", "pw")]
    [InlineData("http://localhost:8081", "kor", "pw")]
    [InlineData("http://a:8081, http://b:8081", null, null)]
    public void Settings_that_work_have_no_faults(string url, string? user, string? password) =>
        Assert.Empty(new RegistryOptions { Url = url, User = user, Password = password }.Faults());

    private static SchemaRegistries Of(RegistryOptions options)
    {
        var all = new KorOptions();
        all.Registries["main"] = options;
        return new SchemaRegistries(all);
    }

    private static Task<RegisteredSchema?> FindAsync(SchemaRegistries registries, int id) => registries.FindAsync("main", new SchemaId(id, Guid.Empty), Cancellation);
}
