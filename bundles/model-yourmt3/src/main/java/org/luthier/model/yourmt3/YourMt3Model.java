package org.luthier.model.yourmt3;

import java.util.ArrayList;
import java.util.List;
import org.luthier.api.checkpoint.Ledger;
import org.luthier.api.checkpoint.Weights;
import org.luthier.api.model.Framing;
import org.luthier.api.model.Frontend;
import org.luthier.api.model.Layer;
import org.luthier.api.model.ModelDefinition;
import org.luthier.api.model.Probe;
import org.luthier.api.model.Session;
import org.luthier.api.model.TokenModel;
import org.luthier.nn.Kernels;
import org.luthier.nn.t5.DecoderStack;

/** The network: a front end and an encoder for a segment, and a decoder that writes the tokens of its channels. */
final class YourMt3Model implements TokenModel {
    private final ModelDefinition definition;
    private final YourMt3Configuration configuration;
    private final TaskVocabulary task;
    private final Kernels kernels;
    private final SpectrogramFrontend frontend;
    private final SegmentEncoder encoder;
    private final DecoderStack decoder;
    private final Ledger ledger;

    YourMt3Model(ModelDefinition definition, YourMt3Configuration configuration, Weights weights, Kernels kernels) {
        this.definition = definition;
        this.configuration = configuration;
        // Before the weights are read, which takes time.
        this.task = TaskVocabulary.of(configuration);
        this.kernels = kernels;
        frontend = new SpectrogramFrontend(configuration.audio(), weights);
        encoder = SegmentEncoder.of(configuration, kernels, weights);
        YourMt3Configuration.T5 sizes = configuration.decoder();
        decoder = new DecoderStack(
                "decoder",
                encoder.output(),
                kernels,
                weights,
                sizes.stack(),
                sizes.form(configuration.scaledOutput() ? 1 / Math.sqrt(sizes.model()) : 1),
                sizes.layers(),
                configuration.vocabulary(),
                sizes.positions());
        weights.finish();
        ledger = weights.ledger();
    }

    YourMt3Configuration configuration() {
        return configuration;
    }

    Kernels kernels() {
        return kernels;
    }

    SegmentEncoder encoder() {
        return encoder;
    }

    DecoderStack decoder() {
        return decoder;
    }

    @Override
    public ModelDefinition definition() {
        return definition;
    }

    @Override
    public Frontend frontend() {
        return frontend;
    }

    @Override
    public Layer root() {
        List<Layer> children = new ArrayList<>(List.of(frontend.layer()));
        children.addAll(encoder.layers());
        children.add(decoder);
        return new Layer.Group(YourMt3Family.ID, children);
    }

    @Override
    public Ledger ledger() {
        return ledger;
    }

    @Override
    public TokenLayout layout() {
        Framing framing = frontend.framing();
        YourMt3Configuration.T5 sizes = configuration.decoder();
        return new TokenLayout(
                task.vocabulary(),
                configuration.vocabulary(),
                configuration.channels(),
                sizes.relative() ? task.maxTokens() : Math.min(task.maxTokens(), sizes.positions()),
                (double) framing.window() / framing.sampleRate());
    }

    /** The reference never looks whether the first id is the end. */
    @Override
    public int earliestEnd() {
        return 1;
    }

    @Override
    public Session open(int rows, Probe probe) {
        return new YourMt3Session(this, probe);
    }

    @Override
    public void close() {
        encoder.close();
        decoder.close();
    }
}
