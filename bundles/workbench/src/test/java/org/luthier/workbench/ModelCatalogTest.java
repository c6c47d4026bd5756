package org.luthier.workbench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.luthier.api.LuthierException;
import org.luthier.api.model.ModelDefinition;

class ModelCatalogTest {
    private static final String GOOD = """
            {"id": "one", "title": "One", "family": "f", "assembler": "a", "weights": "w.bin", "licence": "MIT", "tokenizer": null,
             "configuration": {"layers": 3, "names": ["x", "y"]},
             "sources": [{"url": "https://example.org/w.bin", "bytes": 12, "sha256": "%s"}]}
            """.formatted("0f".repeat(32));

    @TempDir
    Path folder;

    private void write(Path models, String id, String json) throws IOException {
        Files.createDirectories(models.resolve(id));
        Files.writeString(models.resolve(id).resolve("model.json"), json);
    }

    @Test
    void readsWhatAModelIs() throws IOException {
        write(folder, "one", GOOD);
        ModelDefinition one = new ModelCatalog(List.of(folder)).get("one");
        assertEquals("One", one.title());
        assertEquals(Map.of("layers", 3, "names", List.of("x", "y")), one.configuration());
        assertEquals(12, one.sources().get(0).bytes());
        assertEquals(folder.resolve("one/w.bin"), one.weightsPath());
        assertEquals("midi", one.midiWriter());
    }

    @Test
    void aModelMayNameItsMidiWriter() throws IOException {
        write(folder, "one", GOOD.replace("\"assembler\"", "\"midiWriter\": \"m\", \"assembler\""));
        assertEquals("m", new ModelCatalog(List.of(folder)).get("one").midiWriter());
    }

    @Test
    void readsModelsInsideAZipFile() throws IOException {
        try (FileSystem zip = FileSystems.newFileSystem(folder.resolve("m.jar"), Map.of("create", "true"))) {
            write(zip.getPath("/models"), "one", GOOD);
            ModelDefinition one = new ModelCatalog(List.of(zip.getPath("/models"))).get("one");
            assertEquals("/models/one/w.bin", one.weightsPath().toString());
        }
    }

    @Test
    void theFirstFolderWinsAndAMissingOneIsNone() throws IOException {
        Path first = folder.resolve("first");
        Path second = folder.resolve("second");
        write(first, "one", GOOD.replace("One", "Mine"));
        write(second, "one", GOOD);
        write(second, "two", GOOD.replace("\"one\"", "\"two\""));
        ModelCatalog catalog = new ModelCatalog(List.of(folder.resolve("missing"), first, second));
        assertEquals("Mine", catalog.get("one").title());
        assertEquals(
                List.of("one", "two"),
                catalog.models().stream().map(ModelDefinition::id).toList());
        LuthierException e = assertThrows(LuthierException.class, () -> catalog.get("three"));
        assertEquals("no model 'three'; there are: one, two", e.getMessage());
    }

    /** A model.json that came with the program has its weights where the user's models are. */
    @Test
    void weightsMayLieInAnotherFolderOfModels() throws IOException {
        Path home = folder.resolve("home");
        Path install = folder.resolve("install");
        write(install, "one", GOOD);
        ModelCatalog catalog = new ModelCatalog(List.of(home, install));
        ModelDefinition one = catalog.get("one");
        assertEquals(home.resolve("one/w.bin"), catalog.weights(one), "where to put them");
        Files.write(install.resolve("one/w.bin"), new byte[1]);
        assertEquals(install.resolve("one/w.bin"), catalog.weights(one));
        Files.delete(install.resolve("one/w.bin"));
        Files.createDirectories(home.resolve("one/w.bin"));
        assertEquals(home.resolve("one/w.bin"), catalog.weights(one), "a folder of weights");
    }

    @Test
    void checksumsAndSizesOfSourcesMayBeUnknown() throws IOException {
        write(folder, "one", GOOD.replace("12", "null").replace("\"" + "0f".repeat(32) + "\"", "null"));
        ModelDefinition.Source source =
                new ModelCatalog(List.of(folder)).get("one").sources().get(0);
        assertEquals(0, source.bytes());
        assertNull(source.sha256());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "\"title\": \"One\"| \"titel\": \"One\"| titel: unknown field",
                "\"title\": \"One\"| \"title\": 7| title: expected text, got 7",
                "\"title\": \"One\",| | title: missing, expected text",
                "\"id\": \"one\"| \"id\": \"uno\"| id: expected the folder's name 'one', got 'uno'",
                "\"w.bin\", \"licence\"| \"../w.bin\", \"licence\"| weights: expected the name of a file in the folder",
                "\"bytes\": 12| \"bytes\": 1.5| sources: bytes: expected a whole number, got 1.5",
                "\"sha256\": \"0f| \"sha256\": \"0F| sources: sha256: expected 64 lower-case hexadecimal digits",
                "\"title\": \"One\"| \"title\": \"One\", \"title\": \"Two\"| line 1: title: no valid JSON: Duplicate field 'title'",
                "{\"id\"| [\"id\"| no valid JSON",
                "\"licence\": \"MIT\"| \"licence\": MIT| line 1: licence: no valid JSON: Unrecognized token 'MIT'",
                "3, \"names\"| 3 \"names\"| line 2: configuration: layers: no valid JSON: Unexpected character ('\"'",
                "\"y\"]}| \"y\"}| expected ']' (from line 2)",
                "]}| ] | expected close marker for Object (from line 2)",
            })
    void aBrokenOneIsNamedWithItsFieldAndHidesNoOther(String good, String bad, String message) throws IOException {
        write(folder, "one", GOOD.replace(good, bad == null ? "" : bad));
        write(folder, "two", GOOD.replace("\"one\"", "\"two\""));
        ModelCatalog catalog = new ModelCatalog(List.of(folder));
        assertEquals(
                List.of("two"),
                catalog.models().stream().map(ModelDefinition::id).toList());
        ModelCatalog.Item broken = catalog.items().get(0);
        assertTrue(broken.trouble().contains("model.json") && broken.trouble().contains(message), broken.trouble());
        assertEquals(
                broken.trouble(),
                assertThrows(LuthierException.class, () -> catalog.get("one")).getMessage());
        assertTrue(broken.trouble().lines().count() == 1, broken.trouble());
        assertFalse(broken.trouble().contains("Source"), broken.trouble());
    }
}
