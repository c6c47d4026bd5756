package org.luthier;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.eclipse.collections.api.list.primitive.IntList;
import org.eclipse.collections.impl.factory.primitive.IntLists;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.luthier.api.Cancellation;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.model.Decoder;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.api.model.Session;
import org.luthier.api.model.TokenModel;
import org.luthier.api.plugin.Settings;
import org.luthier.api.tokens.Tokenizer;
import org.luthier.checkpoint.Checkpoints;
import org.luthier.decoder.beam.BeamDecoder;
import org.luthier.decoder.beam.T5xOneBeamDecoder;
import org.luthier.decoder.greedy.GrammarDecoder;
import org.luthier.decoder.greedy.GreedyDecoder;
import org.luthier.decoder.greedy.YourMt3GreedyDecoder;
import org.luthier.tokenizer.yourmt3.Tasks;
import org.luthier.workbench.ModelLease;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Every decoder with sessions of thirteen rows a segment: the small models of YourMT3+'s reference, of two segments each. */
class YourMt3DecodersTest {
    private static final Path VARIANTS =
            Path.of(System.getProperty("luthier.root")).resolve("../shared/reference/yourmt3/variants");
    private static final int RECORDED = 64;
    private static final int END = 1;

    private static Checkpoint golden(String variant) {
        Path folder = VARIANTS.resolve(variant);
        Assumptions.assumeTrue(Files.isDirectory(folder), "no reference of YourMT3+ beside the checkout");
        return Checkpoints.builtIn().open(folder.resolve("golden.safetensors"));
    }

    private static ModelLease model(Luthier luthier, String variant) {
        return luthier.workbench().openModel(null, VARIANTS.resolve(variant).resolve("model.ckpt"), null);
    }

    private static INDArray tensor(Checkpoint golden, String name) {
        long[] shape = golden.tensors().get(name).shape().stream()
                .mapToLong(Long::longValue)
                .toArray();
        return Nd4j.create(golden.floats(name), shape, 'c');
    }

    private static List<IntList> decode(
            TokenModel model, INDArray features, Position at, Decoder decoder, int most, Map<String, String> settings) {
        Tokenizer tokenizer = Tasks.all().stream()
                .filter(one -> one.id().equals(model.layout().vocabulary().task()))
                .findFirst()
                .orElseThrow();
        try (Session session = model.open(at.rows(), Probe.NONE)) {
            session.begin(features, at);
            return decoder.decode(
                    session,
                    new Decoder.Limits(model.layout().vocabulary(), most),
                    tokenizer::grammar,
                    Settings.of(decoder, settings),
                    Cancellation.NONE);
        }
    }

    /** A channel of the first begins with the end token, which is not noticed, and one of its others ends early. */
    @ParameterizedTest
    @ValueSource(strings = {"moe_rope_multi", "ptf_multi"})
    void theReferencesDecoderSaysWhatWasRecorded(String variant) {
        try (Checkpoint golden = golden(variant);
                INDArray features = tensor(golden, "01.spectrogram");
                Luthier luthier = Luthier.open();
                ModelLease lease = model(luthier, variant)) {
            int[] ids = new int[golden.read("12.greedy.tokens").remaining() / Integer.BYTES];
            golden.read("12.greedy.tokens").asIntBuffer().get(ids);
            List<IntList> expected = new ArrayList<>();
            for (int from = 0; from < ids.length; from += RECORDED) {
                int length = 1;
                while (length < RECORDED && (length < 2 || ids[from + length - 1] != END)) {
                    length++;
                }
                expected.add(IntLists.immutable.of(Arrays.copyOfRange(ids, from, from + length)));
            }
            assertEquals(
                    expected,
                    decode(
                            (TokenModel) lease.model(),
                            features,
                            Position.segments(0, 2),
                            new YourMt3GreedyDecoder(),
                            RECORDED,
                            Map.of()));
        }
    }

    /** What is said for a segment does not depend on who is decoded beside it; a beam's rows are not taken for channels. */
    @ParameterizedTest
    @ValueSource(strings = {"moe_rope_multi", "ptf_multi"})
    void everyDecoderKeepsChannelsApart(String variant) {
        int most = 12;
        Map<Decoder, Map<String, String>> decoders = Map.of(
                new GreedyDecoder(), Map.of(),
                new GrammarDecoder(), Map.of(),
                new YourMt3GreedyDecoder(), Map.of("task-prefix", "4,3"),
                new T5xOneBeamDecoder(), Map.of(),
                new BeamDecoder(), Map.of("beam-width", "3", "beam-grammar", "true"));
        try (Checkpoint golden = golden(variant);
                INDArray features = tensor(golden, "01.spectrogram");
                Luthier luthier = Luthier.open();
                ModelLease lease = model(luthier, variant)) {
            TokenModel model = (TokenModel) lease.model();
            int channels = model.layout().channels();
            assertEquals(13, channels);
            decoders.forEach((decoder, settings) -> {
                List<IntList> together = decode(model, features, Position.segments(0, 2), decoder, most, settings);
                assertEquals(2 * channels, together.size(), decoder.id());
                List<IntList> apart = Stream.of(0, 1)
                        .flatMap(segment -> decode(
                                model,
                                features.get(NDArrayIndex.interval(segment, segment + 1)),
                                Position.segments(segment, 1),
                                decoder,
                                most,
                                settings)
                                .stream())
                        .toList();
                assertEquals(apart, together, decoder.id());
            });
        }
    }
}
