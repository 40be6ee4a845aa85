using System.Globalization;

namespace KafkaOracleOrleans.Silo.Api;

/// <summary>Gives every endpoint without a name one of its method and path, so that generated clients have stable names.</summary>
internal static class OperationIds
{
    public static void Complete(EndpointBuilder endpoint)
    {
        if (endpoint is not RouteEndpointBuilder route || endpoint.Metadata.OfType<IEndpointNameMetadata>().Any()) return;
        if (endpoint.Metadata.OfType<IHttpMethodMetadata>().LastOrDefault()?.HttpMethods is not [var method, ..]) return;
        var words = (route.RoutePattern.RawText ?? "")[KorApi.Root.Length..].Split(['/', '{', '}', '.', '-', ':'], StringSplitOptions.RemoveEmptyEntries);
        var name = Pascal(method.ToLowerInvariant()) + string.Concat(words.Select(Pascal));
        endpoint.Metadata.Add(new EndpointNameMetadata(name));
    }

    private static string Pascal(string word) =>
        string.Create(CultureInfo.InvariantCulture, $"{char.ToUpperInvariant(word[0])}{word[1..]}");
}
