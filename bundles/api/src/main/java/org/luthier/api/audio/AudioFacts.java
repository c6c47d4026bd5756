package org.luthier.api.audio;

import java.util.List;

/**
 * What was found in an audio file; goes into the provenance.
 *
 * @param file the file's name without its folder
 * @param format container and codec as the decoder names them, for example {@code "wav/pcm_s16le"}
 * @param sampleRate samples per second in the file
 * @param channels channels in the file; they are averaged
 * @param frames samples per channel in the file
 * @param peak largest absolute sample of any channel, 1.0 being full scale
 * @param clipped samples at or above full scale, over all channels
 * @param replaced samples that were not finite, or absurdly large, and were read as 0
 * @param silent whether every sample is exactly zero
 * @param remarks what else the user should know about the file, one sentence each; empty for a sound file
 */
public record AudioFacts(
        String file,
        String format,
        int sampleRate,
        int channels,
        long frames,
        double peak,
        long clipped,
        long replaced,
        boolean silent,
        List<String> remarks) {
    public AudioFacts {
        remarks = List.copyOf(remarks);
    }

    /** Length of the file in seconds. */
    public double seconds() {
        return sampleRate == 0 ? 0 : (double) frames / sampleRate;
    }
}
