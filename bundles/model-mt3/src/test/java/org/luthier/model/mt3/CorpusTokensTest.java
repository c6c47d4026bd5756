package org.luthier.model.mt3;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.ShortBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import javax.sound.sampled.AudioInputStream;
import javax.sound.sampled.AudioSystem;
import javax.sound.sampled.UnsupportedAudioFileException;
import org.eclipse.collections.api.list.primitive.IntList;
import org.eclipse.collections.impl.factory.primitive.IntLists;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.luthier.api.Cancellation;
import org.luthier.api.model.Decoder;
import org.luthier.api.model.Framing;
import org.luthier.api.model.Frontend;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.api.model.Session;
import org.luthier.api.plugin.Settings;
import org.luthier.api.tokens.Grammar;
import org.luthier.api.tokens.Tokenizer;
import org.luthier.decoder.beam.BeamDecoder;
import org.luthier.decoder.beam.T5xOneBeamDecoder;
import org.luthier.decoder.greedy.GrammarDecoder;
import org.luthier.decoder.greedy.GreedyDecoder;
import org.luthier.tokenizer.mt3.Mt3Tokenizer;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Sound to tokens with the real checkpoint: every decoder against what MT3's own program says of whole recordings. */
@Tag("full")
class CorpusTokensTest {
    private static final Path SHARED = Models.ROOT.resolve("../shared");
    private static final Path CHECKPOINT = SHARED.resolve("checkpoints/mt3");
    private static final Path CORPUS = SHARED.resolve("reference/mt3/corpus");

    private static Mt3Model model;
    private final Tokenizer tokenizer = new Mt3Tokenizer();

    @BeforeAll
    static void load() {
        Assumptions.assumeTrue(
                Files.isDirectory(CHECKPOINT) && Files.isDirectory(CORPUS), "no MT3 beside the checkout");
        model = Models.load(Models.definition(Models.ROOT.resolve("models/mt3")), CHECKPOINT, "cpu");
    }

    @AfterAll
    static void close() {
        if (model != null) {
            model.close();
        }
    }

    /** What the reference says of a segment. */
    private record Expected(IntList greedy, IntList oneBeam) {
        static List<Expected> read(String name) throws IOException {
            List<Expected> segments = new ArrayList<>();
            for (JsonNode segment : new ObjectMapper()
                    .readTree(CORPUS.resolve(name + ".json").toFile())
                    .get("segments")) {
                IntList greedy = ids(segment.get("tokens"));
                // Written only where it is another.
                JsonNode oneBeam = segment.get("tokens_t5x_beam1");
                segments.add(new Expected(greedy, oneBeam == null ? greedy : ids(oneBeam)));
            }
            return segments;
        }

        private static IntList ids(JsonNode array) {
            return IntLists.immutable.ofAll(
                    IntStream.range(0, array.size()).map(i -> array.get(i).intValue()));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"03_maple_leaf_piano", "05_winds", "08_ragtime_band"})
    void tokens(String name) throws IOException, UnsupportedAudioFileException {
        List<Expected> expected = Expected.read(name);
        int rows = expected.size();
        try (Session session = model.open(rows, Probe.NONE);
                INDArray encoded = encode(session, name)) {
            assertEquals(rows, encoded.size(0), "segments");
            List<IntList> greedy = decode(session, encoded, 0, rows, new GreedyDecoder(), Map.of());
            assertAll(expected.stream().map(Expected::greedy).toList(), greedy, "greedy");
            List<IntList> oneBeam = expected.stream().map(Expected::oneBeam).toList();
            assertAll(oneBeam, decode(session, encoded, 0, rows, new T5xOneBeamDecoder(), Map.of()), "t5x-beam1");
            assertAll(
                    oneBeam,
                    decode(session, encoded, 0, rows, new BeamDecoder(), Map.of("beam-width", "1")),
                    "a beam of one");

            List<IntList> within = decode(session, encoded, 0, rows, new GrammarDecoder(), Map.of());
            int kept = 0;
            for (int i = 0; i < rows; i++) {
                assertTrue(follows(within.get(i)), "segment " + i + " leaves the grammar");
                if (follows(greedy.get(i))) {
                    assertEquals(greedy.get(i), within.get(i), "segment " + i + " needed no grammar");
                    kept++;
                }
            }
            System.out.println(name + ": " + kept + " of " + rows + " greedy segments keep to the grammar");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"03_maple_leaf_piano", "05_winds", "08_ragtime_band"})
    void tokensOfTheNd4jKernels(String name) throws IOException, UnsupportedAudioFileException {
        List<Expected> expected = Expected.read(name);
        int rows = expected.size();
        try (Mt3Model other = Models.load(Models.definition(Models.ROOT.resolve("models/mt3")), CHECKPOINT, "nd4j");
                Session session = other.open(rows, Probe.NONE);
                INDArray encoded = encode(session, name)) {
            List<IntList> greedy = expected.stream().map(Expected::greedy).toList();
            assertAll(greedy, decode(session, encoded, 0, rows, new GreedyDecoder(), Map.of()), "greedy");
        }
    }

    /** Beams move rows about: a segment's tokens must not depend on the others in its batch. */
    @ParameterizedTest
    @ValueSource(strings = {"false", "true"})
    void beams(String grammar) throws IOException, UnsupportedAudioFileException {
        int rows = 4;
        Map<String, String> settings = Map.of("beam-width", "3", "beam-grammar", grammar);
        try (Session session = model.open(rows, Probe.NONE);
                INDArray encoded = encode(session, "08_ragtime_band")) {
            List<IntList> together = decode(session, encoded, 0, rows, new BeamDecoder(), settings);
            for (int i = 0; i < rows; i++) {
                List<IntList> alone = decode(session, encoded, i, i + 1, new BeamDecoder(), settings);
                assertEquals(alone.get(0), together.get(i), "segment " + i);
                assertTrue(grammar.equals("false") || follows(together.get(i)), "segment " + i + " leaves the grammar");
            }
        }
    }

    private static void assertAll(List<IntList> expected, List<IntList> found, String decoder) {
        for (int i = 0; i < expected.size(); i++) {
            assertEquals(expected.get(i), found.get(i), decoder + ", segment " + i);
        }
    }

    private boolean follows(IntList ids) {
        Grammar grammar = tokenizer.grammar();
        for (int i = 0; i < ids.size(); i++) {
            if (!grammar.allowed().get(ids.get(i))) {
                return false;
            }
            grammar.advance(ids.get(i));
        }
        return true;
    }

    private List<IntList> decode(
            Session session, INDArray encoded, int from, int to, Decoder decoder, Map<String, String> settings) {
        INDArray some =
                Nd4j.create(copy(encoded, from, to), new long[] {to - from, encoded.size(1), encoded.size(2)}, 'c');
        session.beginEncoded(some, Position.segments(from, to - from));
        long start = System.nanoTime();
        List<IntList> ids = decoder.decode(
                session,
                new Decoder.Limits(tokenizer.vocabulary(), model.layout().maxTokens()),
                tokenizer::grammar,
                Settings.of(decoder, settings),
                Cancellation.NONE);
        System.out.printf("%s: %.1f s%n", decoder.id(), (System.nanoTime() - start) / 1e9);
        return ids;
    }

    private static float[] copy(INDArray encoded, int from, int to) {
        float[] all = encoded.data().asFloat();
        int size = all.length / (int) encoded.size(0);
        return Arrays.copyOfRange(all, from * size, to * size);
    }

    /** What the encoder makes of a recording: a copy, [segments, frames, width]. */
    private static INDArray encode(Session session, String name) throws IOException, UnsupportedAudioFileException {
        float[] recording = read(CORPUS.resolve(name + ".wav"));
        Framing framing = model.frontend().framing();
        int rows = framing.segments(recording.length);
        float[] samples = new float[rows * framing.window()];
        int[] lengths = new int[rows];
        for (int row = 0; row < rows; row++) {
            framing.cut(recording, row, samples, row * framing.window());
            lengths[row] = framing.length(recording.length, row);
        }
        Position at = Position.segments(0, rows);
        try (Frontend.Session frontend = model.frontend().open(rows)) {
            session.begin(
                    frontend.features(
                            Nd4j.create(samples, new long[] {rows, framing.window()}, 'c'), lengths, at, Probe.NONE),
                    at);
        }
        return session.encoded().dup('c');
    }

    private static float[] read(Path wav) throws IOException, UnsupportedAudioFileException {
        try (AudioInputStream stream = AudioSystem.getAudioInputStream(wav.toFile())) {
            ShortBuffer values = ByteBuffer.wrap(stream.readAllBytes())
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .asShortBuffer();
            float[] samples = new float[values.remaining()];
            for (int i = 0; i < samples.length; i++) {
                samples[i] = values.get(i) / 32768f;
            }
            return samples;
        }
    }
}
