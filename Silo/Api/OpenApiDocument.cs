using KafkaOracleOrleans.Silo.Security;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using Scalar.AspNetCore;

namespace KafkaOracleOrleans.Silo.Api;

/// <summary>The OpenAPI document at <c>/openapi/v1.json</c> and its viewer at <c>/api/docs</c>, which loads nothing from elsewhere.</summary>
internal static class OpenApiDocument
{
    /// <summary>The operations' extension that names the role they need.</summary>
    public const string RoleExtension = "x-kor-role";

    /// <summary>The extension of operations that are asked with POST and change nothing.</summary>
    public const string HarmlessExtension = "x-kor-changes-nothing";

    private static readonly (string Name, string Text)[] Headings =
    [
        ("Pipelines", "Their state, keys, windows and definitions."),
        ("Operating", "Starting, stopping and setting back."),
        ("Quarantine", "Records that were refused: looking at them, playing them again, dropping them."),
        ("Writing pipelines", "Trying out expressions and definitions against data; changes nothing."),
        ("Cluster", "Silos, connections, drivers and the audit trail."),
    ];

    private const string ProblemSchema = "Problem";
    private const string KeyScheme = "apiKey";
    private const string TokenScheme = "token";

    public static void Add(IServiceCollection services) => services.AddOpenApi("v1", options =>
    {
        options.AddDocumentTransformer(async (document, context, cancellation) =>
        {
            document.Info = new OpenApiInfo
            {
                Title = "KafkaOracleOrleans",
                Version = typeof(OpenApiDocument).Assembly.GetName().Version?.ToString(3),
                Description = "Pipelines from Kafka into Oracle, PostgreSQL and SQLite: their state, their keys and windows, and what can be done to them. "
                    + "Errors are application/problem+json (RFC 9457) with a `diagnostics` array.",
            };
            document.Servers = [];
            document.Tags = new HashSet<OpenApiTag>(Headings.Select(h => new OpenApiTag { Name = h.Name, Description = h.Text }));
            document.Components ??= new OpenApiComponents();
            document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
            {
                [KeyScheme] = new OpenApiSecurityScheme { Type = SecuritySchemeType.ApiKey, In = ParameterLocation.Header, Name = ApiKeyHandler.HeaderName },
                [TokenScheme] = new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "bearer" },
            };
            document.Security =
            [
                new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(KeyScheme, document)] = [] },
                new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(TokenScheme, document)] = [] },
            ];
            document.AddComponent(ProblemSchema, await context.GetOrCreateSchemaAsync(typeof(ApiProblem), null, cancellation));
        });
        options.AddOperationTransformer((operation, context, _) =>
        {
            operation.Tags = new HashSet<OpenApiTagReference> { new(TagOf(context.Description.RelativePath ?? ""), context.Document) };
            var role = KorPolicies.RoleOf(context.Description.ActionDescriptor.EndpointMetadata);
            operation.Extensions ??= new Dictionary<string, IOpenApiExtension>();
            operation.Extensions[RoleExtension] = new JsonNodeExtension(System.Text.Json.Nodes.JsonValue.Create(role ?? "anyone")!);
            if (context.Description.ActionDescriptor.EndpointMetadata.OfType<ChangesNothing>().Any())
                operation.Extensions[HarmlessExtension] = new JsonNodeExtension(System.Text.Json.Nodes.JsonValue.Create(true));
            operation.Responses ??= [];
            operation.Responses.TryAdd("default", new OpenApiResponse
            {
                Description = "An error, as RFC 9457 has it.",
                Content = new Dictionary<string, OpenApiMediaType>
                {
                    [ProblemWriter.ContentType] = new() { Schema = new OpenApiSchemaReference(ProblemSchema, context.Document) },
                },
            });
            return Task.CompletedTask;
        });
    });

    public static void Map(IEndpointRouteBuilder endpoints)
    {
        endpoints.MapOpenApi("/openapi/{documentName}.json").AllowAnonymous();
        endpoints.MapScalarApiReference("/api/docs", options =>
        {
            options.Title = "KafkaOracleOrleans API";
            options.DefaultFonts = false;
            options.HideClientButton = true;
            options.Telemetry = false;
            options.OpenApiRoutePattern = "/openapi/{documentName}.json";
            // They talk to servers of the viewer's maker.
            options.HideDeveloperTools().DisableAgent();
        }).AllowAnonymous();
    }

    /// <summary>The heading of an operation in the viewer.</summary>
    private static string TagOf(string path)
    {
        var parts = path.Split('/');
        if (parts.Contains("quarantine")) return "Quarantine";
        return parts[^1] switch
        {
            "start" or "stop" or "pause" or "resume" or "restart" or "offsets" or "reset" => "Operating",
            "eval" or "test" or "preview" or "plan" or "validate" or "records" or "pipeline.json" => "Writing pipelines",
            _ when parts.Contains("pipelines") => "Pipelines",
            _ => "Cluster",
        };
    }
}
