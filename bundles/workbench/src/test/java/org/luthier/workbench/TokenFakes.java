package org.luthier.workbench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;
import java.util.function.IntFunction;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.eclipse.collections.api.list.primitive.IntList;
import org.eclipse.collections.api.list.primitive.MutableIntList;
import org.eclipse.collections.impl.factory.primitive.IntLists;
import org.luthier.api.Cancellation;
import org.luthier.api.audio.AudioReader;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.CheckpointFormat;
import org.luthier.api.checkpoint.Ledger;
import org.luthier.api.checkpoint.Weights;
import org.luthier.api.model.Decoder;
import org.luthier.api.model.Execution;
import org.luthier.api.model.Framing;
import org.luthier.api.model.Frontend;
import org.luthier.api.model.Layer;
import org.luthier.api.model.Model;
import org.luthier.api.model.ModelDefinition;
import org.luthier.api.model.ModelFamily;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.api.model.Session;
import org.luthier.api.model.TokenModel;
import org.luthier.api.notes.Note;
import org.luthier.api.notes.NoteAssembler;
import org.luthier.api.notes.TokenNoteAssembler;
import org.luthier.api.plugin.Parameter;
import org.luthier.api.plugin.Settings;
import org.luthier.api.tokens.Event;
import org.luthier.api.tokens.Grammar;
import org.luthier.api.tokens.SegmentEvents;
import org.luthier.api.tokens.Tokenizer;
import org.luthier.api.tokens.Vocabulary;
import org.luthier.assembler.mt3.Mt3ReferenceAssembler;
import org.luthier.checkpoint.SafetensorsFormat;
import org.luthier.decoder.greedy.GreedyDecoder;
import org.luthier.tokenizer.mt3.Mt3PianoTokenizer;
import org.luthier.tokenizer.mt3.Mt3Tokenizer;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A world with a token model that knows by heart what to say for each segment, and says it only to a decoder that feeds back what was
 * chosen and to features that are the segment's own. Tokenizer, search and note assembly are the real ones.
 */
final class TokenFakes {
    static final int RATE = 125;
    static final int WINDOW = 256;
    static final int MAX_TOKENS = 64;
    static final int ROWS = 1536;

    static final int END = 1;
    static final int SHIFT = 3;
    static final int PITCH = 1004;
    static final int OFF = 1132;
    static final int ON = 1133;
    static final int TIE = 1134;
    static final int DRUM = 1263;

    private TokenFakes() {}

    /** What is said for a segment of a channel: one note, and hits whose number differs from segment to segment. */
    static IntList said(int segment, int channel) {
        MutableIntList ids = IntLists.mutable.of(
                TIE,
                SHIFT + 5 + segment % 40,
                ON,
                PITCH + 40 + (segment + channel) % 48,
                SHIFT + 60 + segment % 40,
                OFF);
        ids.add(PITCH + 40 + (segment + channel) % 48);
        ids.add(ON);
        for (int hit = 0; hit < (segment * 7 + channel) % 11; hit++) {
            ids.add(SHIFT + 110 + hit);
            ids.add(DRUM + 36);
        }
        ids.add(END);
        return ids;
    }

    /** A workbench with one model, {@code basic-pitch}, that writes tokens. */
    static final class World {
        final Path folder;
        final Parts parts;
        final Workbench workbench;
        final Family family = new Family();
        final Search search = new Search();
        Registration tokenizer;
        Registration decoder;
        Registration assembler;

        World(Path folder, Parts parts) {
            this.folder = folder;
            this.parts = parts;
            writeModel(folder, "basic-pitch", 1f);
            parts.add(AudioReader.class, new Fakes.Reader(), "1.0.0", 0);
            parts.add(CheckpointFormat.class, new SafetensorsFormat(), "1.0.0", 0);
            parts.add(ModelFamily.class, family, "1.0.0", 0);
            tokenizer = parts.add(Tokenizer.class, new Mt3Tokenizer(), "1.0.0", 0);
            parts.add(Tokenizer.class, new Mt3PianoTokenizer(), "1.0.0", 0);
            decoder = parts.add(Decoder.class, search, "1.0.0", 0);
            parts.add(Decoder.class, new GreedyDecoder(), "1.0.0", 0);
            assembler = parts.add(NoteAssembler.class, new Mt3ReferenceAssembler(), "1.0.0", 0);
            parts.add(NoteAssembler.class, new PitchesOfChannels(), "1.0.0", 0);
            workbench = new Workbench(parts, new ModelCatalog(List.of(folder)), new Execution("cpu", "fake", 2));
        }

        /** A file that the fake reader reads as so many segments, the last one of them a short one. */
        Path audio(String name, int segments) {
            return Fakes.write(folder.resolve(name), Integer.toString(segments * WINDOW - 100));
        }
    }

    static void writeModel(Path models, String id, float gain) {
        Path folder = models.resolve(id);
        try {
            Files.createDirectories(folder);
            Fakes.writeWeights(folder.resolve("fake.safetensors"), gain);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Fakes.write(folder.resolve("model.json"), """
                {"id": "%s", "title": "A fake", "family": "fake-tokens", "tokenizer": "mt3", "decoder": "fake-search",
                 "assembler": "mt3-reference", "configuration": {"gain": %s}, "weights": "fake.safetensors",
                 "sources": [{"url": "https://example.org/fake/"}], "licence": "CC0-1.0"}
                """.formatted(id, gain));
    }

    /** Loads models and counts those that are open. */
    static final class Family implements ModelFamily {
        final AtomicInteger open = new AtomicInteger();
        final AtomicInteger sessions = new AtomicInteger();
        volatile int channels = 1;
        /** What the model says for a segment; null for {@link #said}. */
        volatile IntFunction<IntList> says;
        /** Called by each worker with the first segment of a group: in the front end, in a layer of the encoder, at a step. */
        volatile IntConsumer atFrontend = segment -> {};

        volatile IntConsumer atLayer = segment -> {};
        volatile IntConsumer atStep = segment -> {};

        @Override
        public String id() {
            return "fake-tokens";
        }

        @Override
        public String description() {
            return "A fake family";
        }

        @Override
        public boolean recognises(Checkpoint checkpoint) {
            return checkpoint.tensors().containsKey("gain");
        }

        @Override
        public boolean fits(ModelDefinition definition, Checkpoint checkpoint) {
            double gain = ((Number) definition.configuration().get("gain")).doubleValue();
            return checkpoint.floats("gain")[0] == gain;
        }

        @Override
        public List<URL> nameRules() {
            return List.of(Fakes.class.getResource("fake-names.json"));
        }

        @Override
        public Model load(ModelDefinition definition, Weights weights, Execution execution) {
            weights.take("gain", 1);
            open.incrementAndGet();
            return new Network(this, definition, weights.ledger());
        }
    }

    private record Network(Family family, ModelDefinition definition, Ledger ledger) implements TokenModel {
        @Override
        public TokenLayout layout() {
            Vocabulary vocabulary = new Mt3Tokenizer().vocabulary();
            return new TokenLayout(vocabulary, ROWS, family.channels, MAX_TOKENS, (double) WINDOW / RATE);
        }

        @Override
        public Frontend frontend() {
            return new Fakes.Identity(
                    new Framing(RATE, WINDOW, WINDOW, 0, 1), segment -> family.atFrontend.accept(segment));
        }

        @Override
        public Session open(int rows, Probe probe) {
            family.sessions.incrementAndGet();
            return new ByHeart(family, rows, probe);
        }

        @Override
        public Layer root() {
            throw new UnsupportedOperationException();
        }

        @Override
        public void close() {
            family.open.decrementAndGet();
        }
    }

    private static final class ByHeart implements Session {
        private final Family family;
        private final int most;
        private final Probe probe;
        private int first;
        private INDArray encoded;
        private List<IntList> scripts = new ArrayList<>();
        private int step;

        private ByHeart(Family family, int most, Probe probe) {
            this.family = family;
            this.most = most;
            this.probe = probe;
        }

        @Override
        public void begin(INDArray features, Position at) {
            check(at.rows() <= most, "more segments than the session was opened for");
            for (int row = 0; row < at.rows(); row++) {
                check(features.getFloat(row, 0) == sample(at.segment(row)), "features of another segment");
            }
            first = at.segment(0);
            for (int layer = 0; layer < 3; layer++) {
                probe.wants("encoder.layer" + layer);
                family.atLayer.accept(first);
            }
            encoded = features.mul(2);
            beginEncoded(encoded, at);
        }

        @Override
        public INDArray encoded() {
            return encoded;
        }

        /** The first sample of a segment. */
        private static float sample(int segment) {
            return segment * WINDOW % 1000 / 1000f;
        }

        @Override
        public void beginEncoded(INDArray kept, Position at) {
            for (int row = 0; row < at.rows(); row++) {
                check(kept.getFloat(row, 0) == 2 * sample(at.segment(row)), "an encoding of another segment");
            }
            step = 0;
            scripts = new ArrayList<>();
            for (int row = 0; row < at.rows() * family.channels; row++) {
                int segment = at.segment(row / family.channels);
                scripts.add(family.says == null ? said(segment, row % family.channels) : family.says.apply(segment));
            }
        }

        @Override
        public int rows() {
            return scripts.size();
        }

        @Override
        public int[] step(int[] ids, BitSet[] allowed) {
            family.atStep.accept(first);
            check(ids.length == rows(), "ids of " + ids.length + " rows for " + rows());
            int[] chosen = new int[rows()];
            for (int row = 0; row < rows(); row++) {
                IntList script = scripts.get(row);
                check(ids[row] == (step == 0 ? 0 : script.get(step - 1)), "what was chosen is not fed back");
                chosen[row] = script.get(step);
            }
            step++;
            return chosen;
        }

        @Override
        public void retain(int[] rows) {
            scripts = IntStream.of(rows).mapToObj(scripts::get).toList();
        }

        @Override
        public void prefill(List<? extends IntList> prompts) {
            throw new UnsupportedOperationException();
        }

        @Override
        public INDArray logits() {
            throw new UnsupportedOperationException();
        }

        @Override
        public void reorder(int[] sources) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void close() {
            family.sessions.decrementAndGet();
        }

        private static void check(boolean right, String wrong) {
            if (!right) {
                throw new IllegalStateException(wrong);
            }
        }
    }

    /** Greedy search with a parameter. */
    static final class Search implements Decoder {
        /** Rows of the result that are forgotten. */
        volatile int lost;

        @Override
        public String id() {
            return "fake-search";
        }

        @Override
        public String description() {
            return "Greedy search with a parameter";
        }

        @Override
        public List<Parameter> parameters() {
            return List.of(Parameter.integer("width", 1, 1, 8, "", "Does nothing."));
        }

        @Override
        public List<IntList> decode(
                Session session,
                Limits limits,
                Supplier<Grammar> grammar,
                Settings settings,
                Cancellation cancellation) {
            settings.integer("width");
            List<IntList> ids = new GreedyDecoder().decode(session, limits, grammar, settings, cancellation);
            return ids.subList(0, ids.size() - lost);
        }
    }

    /** A note for every pitch of any channel, whose program is the channel; it starts where the segment does. */
    static final class PitchesOfChannels implements TokenNoteAssembler {
        @Override
        public String id() {
            return "pitches-of-channels";
        }

        @Override
        public String description() {
            return "A note for every pitch";
        }

        @Override
        public List<Parameter> parameters() {
            return List.of(
                    Parameter.number("length", 0.5, 0.1, 10, "s", "Length of a note."),
                    Parameter.flag("late", false, "Whether notes are only known at the end."));
        }

        @Override
        public Assembly begin(Tokenizer tokenizer, Settings settings) {
            List<Note> notes = new ArrayList<>();
            return new Assembly() {
                @Override
                public List<Note> accept(SegmentEvents segment) {
                    int before = notes.size();
                    for (int channel = 0; channel < segment.channels().size(); channel++) {
                        for (Event event : segment.channels().get(channel)) {
                            if (event.type().equals("pitch")) {
                                double end = segment.start() + settings.number("length");
                                notes.add(Note.of(segment.start(), end, event.value(), 64, channel, false));
                            }
                        }
                    }
                    return settings.flag("late") ? List.of() : List.copyOf(notes.subList(before, notes.size()));
                }

                @Override
                public Assembled finish() {
                    return new Assembled(notes, 0, 0);
                }
            };
        }
    }
}
