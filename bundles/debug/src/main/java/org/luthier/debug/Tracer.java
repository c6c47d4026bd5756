package org.luthier.debug;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.luthier.api.Cancellation;
import org.luthier.api.LuthierException;
import org.luthier.api.model.FrameModel;
import org.luthier.api.model.Frontend;
import org.luthier.api.model.Model;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.api.model.TokenModel;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Runs a model with its intermediates in view, one segment at a time, in this thread.
 *
 * <p>The samples of a segment are offered as {@code NAME.in}, NAME being the front end's layer; the last tap of that layer is the
 * features. Of a token model the decoder is fed known ids, all at once, offered as {@link #IDS}; what it says when it runs freely, without
 * a probe as in a transcription, is offered at the end as {@link #TOKENS}.
 */
public final class Tracer {
    /** The ids that a decoder was fed, [rows, positions], the start id first. */
    public static final String IDS = "decoder.input_ids";

    /** What a decoder said by itself, always the likeliest id, [rows, positions], to the end id; padding behind it. */
    public static final String TOKENS = "decoder.tokens";

    private final Model model;
    private final String samplesName;
    private final String featuresName;

    private final boolean cached;

    /** @param model stays open, and is not closed by this */
    public Tracer(Model model) {
        this(model, false);
    }

    /**
     * Prepares to run a model.
     *
     * @param model stays open, and is not closed by this
     * @param cached whether the decoder is fed its ids one by one, with its cache, and not all at once
     */
    public Tracer(Model model, boolean cached) {
        this.model = model;
        this.cached = cached;
        this.samplesName = samplesName(model);
        this.featuresName = featuresName(model);
    }

    static String samplesName(Model model) {
        return model.frontend().layer().name() + ".in";
    }

    static String featuresName(Model model) {
        List<String> taps = LayerTree.of(model.frontend().layer()).allTaps();
        return taps.get(taps.size() - 1);
    }

    /**
     * Records the intermediates of a run.
     *
     * @param layers which tensors to keep
     * @throws LuthierException if the model has no such tensor, or the input does not fit
     */
    public Reference trace(TraceInput input, NameGlob layers, Cancellation cancellation) {
        List<String> names = names();
        if (!layers.matchesAny(names)) {
            throw new LuthierException("no layer matches '" + layers + "'; "
                    + model.definition().id() + " has " + String.join(", ", names));
        }
        RecordingProbe probe = new RecordingProbe(layers);
        return recorded(input, probe, probe, cancellation);
    }

    /**
     * Records one layer alone: its tensors, those inside, and those that they are made from. Of a reference that holds these, the layer is
     * fed them.
     *
     * @param layer canonical name
     * @throws LuthierException if the model has no such layer, or the input does not fit
     */
    public Reference traceLayer(TraceInput input, String layer, Cancellation cancellation) {
        LayerTree tree = layer(layer);
        List<String> inputs = inputs(tree);
        List<String> kept = new ArrayList<>(inputs);
        kept.addAll(tree.allTaps());
        RecordingProbe probe = new RecordingProbe(NameGlob.of(String.join(",", kept)));
        if (input instanceof TraceInput.Recorded recorded) {
            Set<String> fed = new HashSet<>(inputs);
            fed.retainAll(recorded.reference().names());
            return recorded(input, new PatchingProbe(recorded.reference(), fed, probe), probe, cancellation);
        }
        return recorded(input, probe, probe, cancellation);
    }

    /**
     * Names of the tensors that a layer is fed, as far as it tells.
     *
     * @param layer canonical name
     * @throws LuthierException if the model has no such layer
     */
    public List<String> inputs(String layer) {
        return inputs(layer(layer));
    }

    private static List<String> inputs(LayerTree tree) {
        List<String> own = tree.allTaps();
        return tree.graph().computations().stream()
                .flatMap(computation -> computation.inputs().stream())
                .filter(name -> !own.contains(name))
                .distinct()
                .toList();
    }

    private LayerTree layer(String name) {
        List<LayerTree> layers = LayerTree.of(model).all();
        return layers.stream()
                .filter(layer -> layer.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new LuthierException("no layer '" + name + "'; "
                        + model.definition().id() + " has "
                        + layers.stream().map(LayerTree::name).collect(Collectors.joining(", "))));
    }

    private Reference recorded(TraceInput input, Probe probe, RecordingProbe recording, Cancellation cancellation) {
        TraceSegments segments = TraceSegments.of(input, model);
        run(segments, probe, cancellation);
        Reference recorded = recording
                .recorded(
                        "trace of " + model.definition().id(),
                        model.definition().family())
                .of(new Origin(model.definition().id(), null, null, cached, graph().computations()));
        return segments.features() == null ? recorded.onOwnFeatures() : recorded;
    }

    /** How the model's tensors come from each other. */
    public TensorGraph graph() {
        return LayerTree.of(model).graph();
    }

    /**
     * What came of judging every computation by itself.
     *
     * @param diff of which nothing is inherited
     * @param made what the layers made of the reference's inputs
     * @param expected the reference, and with it the tensors that only its numbers were moved to; open as long as that
     */
    public record Isolation(TraceDiff diff, Reference made, Reference expected) {}

    /**
     * Feeds every layer the reference's inputs and compares what it makes with the reference's, in one run.
     *
     * @param reference what was recorded, with inputs to run the model on
     * @param segments which of its segments; null for all
     * @param layers which tensors to judge
     * @throws LuthierException if the inputs do not fit, or nothing can be judged
     */
    public Isolation isolate(
            Reference reference,
            List<Integer> segments,
            NameGlob layers,
            Thresholds thresholds,
            Cancellation cancellation) {
        IsolatingProbe probe = new IsolatingProbe(reference, graph(), layers, thresholds);
        TraceSegments cut = TraceSegments.of(new TraceInput.Recorded(reference, segments), model);
        run(cut, probe, cancellation);
        Set<String> given = new HashSet<>(List.of(samplesName, IDS));
        if (cut.samples() == null) {
            given.add(featuresName);
        }
        return new Isolation(probe.result(given), probe.made(model.definition().family()), probe.expected());
    }

    /** What a run offers to a probe. */
    private List<String> names() {
        List<String> names = new ArrayList<>();
        names.add(samplesName);
        names.addAll(LayerTree.of(model).allTaps());
        if (model instanceof TokenModel) {
            names.addAll(List.of(IDS, TOKENS));
        }
        return names;
    }

    /**
     * Runs the model with a probe.
     *
     * @throws LuthierException if the input does not fit the model
     */
    public void run(TraceInput input, Probe probe, Cancellation cancellation) {
        run(TraceSegments.of(input, model), probe, cancellation);
    }

    private void run(TraceSegments segments, Probe probe, Cancellation cancellation) {
        run(segments, probe, Probe.NONE, cancellation);
    }

    /** @param free sees the free run */
    void run(TraceSegments segments, Probe probe, Probe free, Cancellation cancellation) {
        if (model instanceof FrameModel frames) {
            try (FrameModel.Session network = frames.open(1)) {
                forEach(segments, probe, cancellation, (row, features, at) -> network.run(features, at, probe));
            }
        } else if (model instanceof TokenModel tokens) {
            try (TokenRun network = new TokenRun(tokens, segments, cached, probe, free, cancellation)) {
                forEach(segments, probe, cancellation, network::segment);
                network.finish();
            }
        }
    }

    /** What follows the front end. */
    private interface Network {
        /**
         * Runs one segment.
         *
         * @param row in the input
         * @param features [1, feature shape...]
         */
        void run(int row, INDArray features, Position at);
    }

    private void forEach(TraceSegments segments, Probe probe, Cancellation cancellation, Network network) {
        try (Frontend.Session front = model.frontend().open(1)) {
            for (int i = 0; i < segments.numbers().size(); i++) {
                cancellation.check();
                int row = segments.rows().get(i);
                Position at = Position.segments(segments.numbers().get(i), 1);
                INDArray features = null;
                if (segments.samples() != null) {
                    INDArray samples = Tensors.row(
                            segments.samples(), row, model.frontend().framing().window());
                    probe.offer(samplesName, at, samples);
                    features = front.features(samples, new int[] {segments.lengths()[row]}, at, probe);
                }
                if (segments.features() != null) {
                    features = Tensors.row(segments.features(), row, TraceSegments.featureShape(model));
                    if (segments.samples() == null) {
                        // So that the trace holds what it was made from, and can be run again.
                        probe.offer(featuresName, at, features);
                    }
                }
                network.run(row, features, at);
            }
        }
    }
}
