package org.luthier.workbench;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.luthier.api.LuthierException;
import org.luthier.api.model.ModelDefinition;
import org.luthier.files.Reason;

/** Reads a {@code model.json}: every field is known, of its type, and there if it must be. */
final class ModelJson {
    static final String NAME = "model.json";

    private static final Set<String> FIELDS = Set.of(
            "id",
            "title",
            "family",
            "tokenizer",
            "decoder",
            "assembler",
            "midiWriter",
            "configuration",
            "weights",
            "sources",
            "licence",
            "citation");
    private static final Set<String> SOURCE_FIELDS = Set.of("url", "bytes", "sha256");

    private static final ObjectMapper JSON = new ObjectMapper()
            .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    private final Path file;

    private ModelJson(Path file) {
        this.file = file;
    }

    /** Reads the model.json of a folder.
     *
     * @throws LuthierException that names the file and the field */
    static ModelDefinition read(Path folder) {
        return new ModelJson(folder.resolve(NAME)).read();
    }

    private ModelDefinition read() {
        JsonNode root = parse();
        if (!root.isObject()) {
            throw wrong("expected one JSON object");
        }
        known(root, FIELDS, "");
        Path folder = file.getParent();
        ModelDefinition definition = new ModelDefinition(
                required(root, "id"),
                required(root, "title"),
                required(root, "family"),
                optional(root, "tokenizer"),
                optional(root, "decoder"),
                required(root, "assembler"),
                optional(root, "midiWriter"),
                configuration(root.get("configuration")),
                required(root, "weights"),
                sources(root.get("sources")),
                required(root, "licence"),
                optional(root, "citation"),
                folder);
        String folderName = nameOf(folder);
        if (!definition.id().equals(folderName)) {
            throw wrong("id: expected the folder's name '" + folderName + "', got '" + definition.id() + "'");
        }
        if ((definition.tokenizer() == null) != (definition.decoder() == null)) {
            throw wrong("tokenizer and decoder: expected both, for a model that writes tokens, or neither");
        }
        if (!definition.weights().matches("[^/\\\\]+") || definition.weights().matches("\\.\\.?")) {
            throw wrong("weights: expected the name of a file in the folder, got '" + definition.weights() + "'");
        }
        return definition;
    }

    /** The name of a folder; in a zip file it may end in a slash. */
    static String nameOf(Path folder) {
        return folder.getFileName().toString().replace("/", "");
    }

    private JsonNode parse() {
        try {
            return JSON.readTree(Files.readAllBytes(file));
        } catch (JsonProcessingException e) {
            String reason = e.getOriginalMessage()
                    // Where the text came from is told by the file's name.
                    .replaceAll(" \\([^()]*\\[Source: .*?line: (\\d+).*?]\\)", " (from line $1)");
            throw new LuthierException(
                    file + " line " + e.getLocation().getLineNr() + ": " + field(e) + "no valid JSON: " + reason, e);
        } catch (IOException e) {
            throw new LuthierException("cannot read " + file + ": " + Reason.of(e), e);
        }
    }

    /** The field that a parser was in, as the other errors name it; nothing if it was in none. */
    private static String field(JsonProcessingException e) {
        if (!(e.getProcessor() instanceof JsonParser parser)) {
            return "";
        }
        String path = parser.getParsingContext().pathAsPointer().toString();
        return path.isEmpty() ? "" : path.substring(1).replace("/", ": ") + ": ";
    }

    private String required(JsonNode object, String field) {
        String text = optional(object, field);
        if (text == null || text.isBlank()) {
            throw wrong(field + ": missing, expected text");
        }
        return text;
    }

    private String optional(JsonNode object, String field) {
        JsonNode value = object.get(field);
        if (value == null || value.isNull()) {
            return null;
        }
        if (!value.isTextual()) {
            throw wrong(field + ": expected text, got " + value);
        }
        return value.textValue();
    }

    private Map<String, Object> configuration(JsonNode value) {
        if (value == null) {
            return Map.of();
        }
        if (!value.isObject()) {
            throw wrong("configuration: expected an object, got " + value);
        }
        return JSON.convertValue(value, new TypeReference<Map<String, Object>>() {});
    }

    private List<ModelDefinition.Source> sources(JsonNode value) {
        if (value == null) {
            return List.of();
        }
        if (!value.isArray()) {
            throw wrong("sources: expected a list, got " + value);
        }
        List<ModelDefinition.Source> sources = new ArrayList<>();
        for (JsonNode source : value) {
            known(source, SOURCE_FIELDS, "sources: ");
            JsonNode bytes = source.path("bytes");
            if (!unknown(bytes) && (!bytes.isIntegralNumber() || bytes.longValue() < 0)) {
                throw wrong("sources: bytes: expected a whole number, got " + bytes + "; null if it is not known");
            }
            String sha256 = optional(source, "sha256");
            if (sha256 != null && !sha256.matches("[0-9a-f]{64}")) {
                throw wrong("sources: sha256: expected 64 lower-case hexadecimal digits, got '" + sha256
                        + "'; null if they are not known");
            }
            sources.add(new ModelDefinition.Source(required(source, "url"), bytes.asLong(), sha256));
        }
        return List.copyOf(sources);
    }

    private static boolean unknown(JsonNode value) {
        return value.isMissingNode() || value.isNull();
    }

    private void known(JsonNode object, Set<String> fields, String where) {
        for (Iterator<String> names = object.fieldNames(); names.hasNext(); ) {
            String name = names.next();
            if (!fields.contains(name)) {
                throw wrong(where + name + ": unknown field; known are "
                        + String.join(", ", fields.stream().sorted().toList()));
            }
        }
    }

    private LuthierException wrong(String what) {
        return new LuthierException(file + ": " + what);
    }
}
