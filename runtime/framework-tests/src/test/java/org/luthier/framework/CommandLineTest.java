package org.luthier.framework;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import jakarta.json.Json;
import jakarta.json.JsonObject;
import jakarta.json.JsonReader;
import java.io.IOException;
import java.io.StringReader;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The commands as a user calls them, one by one, in the running product. */
class CommandLineTest {
    private static final Path SAMPLE = Luthier.LAYOUT.resolve("samples/bach-prelude.flac");
    private static final Path WEIGHTS = Luthier.LAYOUT.resolve("models/basic-pitch/basic-pitch.safetensors");

    @TempDir
    static Path home;

    private static Luthier luthier;

    @TempDir
    Path folder;

    @BeforeAll
    static void start() {
        luthier = Luthier.start(home);
    }

    @AfterAll
    static void stop() {
        luthier.close();
    }

    private Words run(Object... words) {
        return Words.of(luthier, words);
    }

    private static JsonObject json(Words words) {
        try (JsonReader reader = Json.createReader(new StringReader(String.join("\n", words.out())))) {
            return reader.readObject();
        }
    }

    private List<String> files() throws IOException {
        try (var files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "transcribe",
                "model:list",
                "model:info",
                "model:install",
                "plugin:list",
                "plugin:install",
                "plugin:swap",
                "plugin:remove",
                "checkpoint:inspect",
                "checkpoint:convert",
                "checkpoint:diff",
                "checkpoint:doctor",
                "layer:tree",
                "layer:trace",
                "layer:diff",
                "layer:isolate",
                "layer:patch",
                "score:compare",
                "env",
                "help"
            })
    void everyCommandExplainsItself(String command) {
        Words words = run(command, "--help");
        assertEquals(0, words.code(), words.toString());
        assertEquals(List.of(), words.err());
        String help = String.join("\n", words.out());
        assertTrue(help.startsWith("Usage: luthier " + command), help);
        assertTrue(help.contains("Examples:\n  luthier " + command), help);
        assertEquals(words.out(), run("help", command).out());

        Words wrong = run(command, "--no-such-option");
        assertEquals(2, wrong.code(), wrong.toString());
        assertTrue(wrong.err().get(0).startsWith("luthier: " + command + ": "), wrong.toString());
        assertEquals("Try: luthier " + command + " --help", wrong.err().get(1));
        assertEquals(List.of(), wrong.out());
    }

    @Test
    void fileNamesAreTakenAsTheyAre() throws IOException {
        for (String name :
                List.of("a b;c$.flac", "@list.flac", "-dash.flac", "*?.flac", "r\u00e9sum\u00e9 \u97f3.flac")) {
            Assumptions.assumeTrue(
                    System.getProperty("sun.jnu.encoding").equals("UTF-8")
                            || name.chars().allMatch(c -> c < 128),
                    "file names are not UTF-8 here");
            Path audio = Files.copy(SAMPLE, folder.resolve(name));
            Words words = run("transcribe", "--quiet", "--", audio);
            assertEquals(0, words.code(), words.toString());
            Path midi = folder.resolve(name.replace(".flac", ".mid"));
            assertTrue(Files.exists(midi), midi + " in " + files());
            assertTrue(words.out().get(0).startsWith(audio + " -> " + midi + ": "), words.toString());
        }
    }

    @Test
    void anAudioFileIsEnough() throws IOException {
        Path audio = Files.copy(SAMPLE, folder.resolve("song.flac"));
        assertEquals(0, run(audio).code());
        assertEquals(List.of("song.flac", "song.mid"), files());
    }

    @Test
    void writesMidiNotesAndPicture() throws IOException {
        Path midi = folder.resolve("a.mid");
        Path notes = folder.resolve("a.json");
        Path picture = folder.resolve("a.png");
        Words words = run(
                "transcribe",
                SAMPLE,
                "-o",
                midi,
                "--notes",
                notes,
                "--plot",
                picture,
                "--onset-threshold",
                "0.6",
                "--no-melodia-trick",
                "--tempo",
                "90");
        assertEquals(0, words.code(), words.toString());
        assertEquals(0x89, Files.readAllBytes(picture)[0] & 0xff, "a PNG begins so");
        JsonObject json = Luthier.json(notes);
        JsonObject parameters = json.getJsonObject("provenance").getJsonObject("parameters");
        assertEquals(0.6, parameters.getJsonNumber("onset-threshold").doubleValue());
        assertFalse(parameters.getBoolean("melodia-trick"));
        int count = json.getJsonArray("notes").size();
        assertTrue(count > 0 && words.out().get(0).contains(": " + count + " notes"), words.toString());

        Words scores = run("score:compare", midi, midi, "--json");
        assertEquals(0, scores.code(), scores.toString());
        assertEquals(1, json(scores).getJsonObject("onset").getJsonNumber("f1").doubleValue());
    }

    @Test
    void aSettingOfAnotherPartIsWrongUsage() throws IOException {
        assertEquals(
                2,
                run("transcribe", SAMPLE, "-o", folder.resolve("a.mid"), "--onset-threshold", "2")
                        .code());
        assertEquals(
                2,
                run("transcribe", SAMPLE, "-o", folder.resolve("a.mid"), "--beam", "4")
                        .code());
        assertEquals(2, run("transcribe").code());
        assertEquals(2, run("transcibe", SAMPLE).code());
        assertEquals(2, run().code());
        assertEquals(List.of(), files());
    }

    @Test
    void aTraceIsAReferenceAndFindsAChangedWeight() throws IOException {
        Path reference = folder.resolve("reference.safetensors");
        Path changed = changed("contour2.weight", folder.resolve("changed.safetensors"));
        Path trace = folder.resolve("trace.safetensors");
        assertEquals(
                0,
                run("layer:trace", "--audio", SAMPLE, "--segment", 2, "-o", reference)
                        .code());
        assertEquals(0, run("layer:trace", "--input", reference, "-o", trace).code());
        Words same = run("layer:diff", trace, reference, "--json");
        assertEquals(0, same.code(), same.toString());
        assertTrue(json(same).getBoolean("clean"), same.toString());

        Words again = run("layer:trace", "--input", reference, "--checkpoint", changed, "-o", trace, "--force");
        assertEquals(0, again.code(), again.toString());
        Words different = run("layer:diff", trace, reference, "--json");
        assertEquals(3, different.code(), different.toString());
        assertEquals("contour2.pre", json(different).getString("first"));
        Words isolated = run("layer:isolate", reference, "--checkpoint", changed, "--json");
        assertEquals(3, isolated.code(), isolated.toString());
        assertEquals("contour2.pre", json(isolated).getString("first"));
        assertEquals(0, run("layer:isolate", reference).code());
        Words healed = run("layer:patch", reference, "--checkpoint", changed, "--bisect", "--json");
        assertEquals(0, healed.code(), healed.toString());
        assertEquals(
                List.of("\"contour2.pre\""),
                json(healed).getJsonArray("replaced").stream()
                        .map(Object::toString)
                        .toList());
    }

    private static Path shared(String name) {
        Path path =
                Path.of(System.getProperty("luthier.root")).resolve("../shared").resolve(name);
        Assumptions.assumeTrue(Files.exists(path), "no " + name + " beside the working copy");
        return path;
    }

    @Test
    void aTokenModelIsTracedAndAgreesWithItsGolden() throws IOException {
        Path checkpoint = shared("checkpoints/mt3");
        Path golden = shared("reference/mt3/golden_compact.safetensors");
        Path trace = folder.resolve("trace.safetensors");
        Words traced = run("layer:trace", "--checkpoint", checkpoint, "--input", golden, "-o", trace, "--quiet");
        assertEquals(0, traced.code(), traced.toString());
        Words same = run("layer:diff", trace, golden, "--json");
        assertEquals(0, same.code(), same.toString());
        JsonObject tokens = json(same).getJsonArray("tensors").getValuesAs(JsonObject.class).stream()
                .filter(tensor -> tensor.getString("name").equals("decoder.tokens"))
                .findFirst()
                .orElseThrow();
        assertEquals("same", tokens.getString("verdict"));
        assertEquals(0, run("layer:isolate", golden, "--checkpoint", checkpoint).code());
        // From sound alone: it says the same, and what it says is what it is fed.
        Words fed = run(
                "layer:trace",
                "--checkpoint",
                checkpoint,
                "--audio",
                shared("reference/mt3/corpus/08_ragtime_band.wav"),
                "--segment",
                1,
                "--layers",
                "decoder.*",
                "-o",
                folder.resolve("decoder.safetensors"));
        assertEquals(0, fed.code(), fed.toString());
        Words again = run("layer:diff", folder.resolve("decoder.safetensors"), golden);
        assertEquals(0, again.code(), again.toString());
    }

    @Test
    @Tag("full")
    void aChangedKernelOfATokenModelIsNamed() throws IOException {
        Path checkpoint = folder.resolve("mt3");
        try (var files = Files.walk(shared("checkpoints/mt3"))) {
            Path original = shared("checkpoints/mt3");
            for (Path file : (Iterable<Path>) files::iterator) {
                Files.copy(file, checkpoint.resolve(original.relativize(file).toString()));
            }
        }
        Path chunk = checkpoint.resolve("target.decoder.layers_0.encoder_decoder_attention.value.kernel/0.0");
        byte[] values;
        try (var in = new GZIPInputStream(Files.newInputStream(chunk))) {
            values = in.readAllBytes();
        }
        ByteBuffer floats = ByteBuffer.wrap(values).order(ByteOrder.LITTLE_ENDIAN);
        floats.putFloat(0, floats.getFloat(0) + 0.1f);
        Files.delete(chunk);
        try (var out = new GZIPOutputStream(Files.newOutputStream(chunk))) {
            out.write(values);
        }
        Path golden = shared("reference/mt3/golden_compact.safetensors");
        Path trace = folder.resolve("trace.safetensors");
        Words traced = run("layer:trace", "--model", "mt3", "--checkpoint", checkpoint, "--input", golden, "-o", trace);
        assertEquals(0, traced.code(), traced.toString());
        Words different = run("layer:diff", trace, golden, "--json");
        assertEquals(3, different.code(), different.toString());
        assertEquals("decoder.layer0.cross_attention.v", json(different).getString("first"));
    }

    /** The weights with one number of one tensor changed. */
    private static Path changed(String tensor, Path target) throws IOException {
        byte[] bytes = Files.readAllBytes(WEIGHTS);
        ByteBuffer file = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        int length = Math.toIntExact(file.getLong(0));
        JsonObject header;
        try (JsonReader reader =
                Json.createReader(new StringReader(new String(bytes, 8, length, StandardCharsets.UTF_8)))) {
            header = reader.readObject();
        }
        int begin = header.getJsonObject(tensor).getJsonArray("data_offsets").getInt(0);
        file.putFloat(8 + length + begin, file.getFloat(8 + length + begin) + 1);
        return Files.write(target, bytes);
    }

    @Test
    void tellsWhatThereIs() {
        assertTrue(run("model:list").out().get(1).matches("basic-pitch +basic-pitch +ready .*"));
        assertTrue(String.join("\n", run("model:info", "basic-pitch").out()).contains("--onset-threshold"));
        List<String> parts = run("plugin:list").out();
        for (String part : List.of("NoteAssembler +basic-pitch-notes", "Tokenizer +mt3-piano", "Decoder +t5x-beam1")) {
            assertTrue(parts.stream().anyMatch(line -> line.matches(part + " .*chosen.*")), part + " in " + parts);
        }
        assertTrue(String.join("\n", run("model:info", "mt3").out()).contains("1134 tie 0"));
        assertTrue(json(run("layer:tree", "--json")).getJsonArray("children").size() > 5);
        assertEquals("cpu", json(run("env", "--json")).getString("backend"));
        assertEquals(
                "basic-pitch",
                json(run("checkpoint:inspect", WEIGHTS, "--json")).getString("family"));
    }

    @Test
    void anInterruptionAtAnyMomentLeavesNothing() throws Exception {
        Path audio = Sounds.arpeggio(120, folder.resolve("long.wav"));
        Path midi = folder.resolve("long.mid");
        List<Integer> codes = new ArrayList<>();
        // From before the command begins to after it has ended, wherever that is on this machine.
        for (int delay = 0; delay <= 1500; delay += 150) {
            CompletableFuture<Integer> code = new CompletableFuture<>();
            Thread command = new Thread(() -> code.complete(
                    run("transcribe", audio, "-o", midi, "--notes", folder.resolve("long.json"), "--quiet")
                            .code()));
            command.start();
            try {
                code.get(delay, TimeUnit.MILLISECONDS);
            } catch (TimeoutException e) {
                command.interrupt();
            }
            command.join();
            codes.add(code.get());
            List<String> expected =
                    code.get() == 0 ? List.of("long.json", "long.mid", "long.wav") : List.of("long.wav");
            assertEquals(expected, files(), "after " + delay + " ms and exit code " + code.get());
            assertTrue(code.get() == 0 || code.get() == 130, "exit code " + code.get() + " after " + delay + " ms");
            Files.deleteIfExists(midi);
            Files.deleteIfExists(folder.resolve("long.json"));
        }
        assertTrue(codes.contains(130), "nothing was interrupted: " + codes);
        Words after = run("transcribe", audio, "-o", midi);
        assertEquals(0, after.code(), "an interruption is over with its command: " + after);
    }
}
