package org.luthier.model.mt3;

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
import org.luthier.nn.t5.EncoderStack;

/** The network: an encoder over the frames of a segment and a decoder that writes its tokens. */
final class Mt3Model implements TokenModel {
    private final ModelDefinition definition;
    private final Mt3Configuration configuration;
    private final Ledger ledger;
    private final Mt3Frontend frontend;
    private final Kernels kernels;
    private final EncoderStack encoder;
    private final DecoderStack decoder;

    Mt3Model(ModelDefinition definition, Mt3Configuration configuration, Weights weights, Kernels kernels) {
        this.definition = definition;
        this.configuration = configuration;
        this.kernels = kernels;
        encoder = new EncoderStack(
                "encoder",
                Mt3Frontend.LOGMEL,
                kernels,
                weights,
                configuration.sizes(),
                configuration.encoderLayers(),
                Mt3Frontend.BANDS,
                configuration.segmentFrames());
        decoder = new DecoderStack(
                "decoder",
                encoder.output(),
                kernels,
                weights,
                configuration.sizes(),
                configuration.decoderLayers(),
                configuration.outputRows(),
                configuration.maxTokens());
        weights.finish();
        ledger = weights.ledger();
        frontend = new Mt3Frontend(configuration.segmentFrames());
    }

    Mt3Configuration configuration() {
        return configuration;
    }

    Kernels kernels() {
        return kernels;
    }

    EncoderStack encoder() {
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
        return new Layer.Group(Mt3Family.ID, List.of(frontend.layer(), encoder, decoder));
    }

    @Override
    public Ledger ledger() {
        return ledger;
    }

    @Override
    public TokenLayout layout() {
        Framing framing = frontend.framing();
        return new TokenLayout(
                configuration.vocabulary(),
                configuration.outputRows(),
                1,
                configuration.maxTokens(),
                (double) framing.window() / framing.sampleRate());
    }

    @Override
    public Session open(int rows, Probe probe) {
        return new Mt3Session(this, probe);
    }

    @Override
    public void close() {
        encoder.close();
        decoder.close();
    }
}
