"""Each sentence of the leaflet is shown over the wire by a journey that bears its name."""

import pytest

from tests.house.journeys import proving

SENTENCES = {
    "patients retenus: ceux suivis par un médecin référent": (
        "patients_retenus_ceux_suivis_par_un_medecin_referent"
    ),
    "demande explicite (opt-in)": "demande_explicite_opt_in",
    "il sera initialisé automatiquement": "il_sera_initialise_automatiquement",
    "le DSP ne contient pas de document à sa création": "le_dsp_ne_contient_pas_de_document_a_sa_creation",
    "il peut fermer son DSP à tout moment": "il_peut_fermer_son_dsp_a_tout_moment",
    "à qui le patient aura donné le droit d'accès": "a_qui_le_patient_aura_donne_le_droit_d_acces",
    "droits d'accès pour consulter et déposer": "droits_d_acces_pour_consulter_et_deposer",
    "décider à tout moment de changer les droits": "decider_a_tout_moment_de_changer_les_droits",
    "s'opposer à l'accès par un ou plusieurs professionnels": (
        "s_opposer_a_l_acces_par_un_ou_plusieurs_professionnels"
    ),
    "définir le niveau de confidentialité de certains documents": (
        "definir_le_niveau_de_confidentialite_de_certains_documents"
    ),
    "limiter leur visibilité à seulement certains professionnels": (
        "limiter_leur_visibilite_a_seulement_certains_professionnels"
    ),
    "je peux masquer certains documents partagés": "je_peux_masquer_certains_documents_partages",
    "en fonction de la profession et de la spécialité": "en_fonction_de_la_profession_et_de_la_specialite",
    "dans le cadre d'une relation thérapeutique": "dans_le_cadre_d_une_relation_therapeutique",
    "gérées différemment (libéral / institutionnel)": "gerees_differemment_liberal_institutionnel",
    "professionnels de santé agréés": "professionnels_de_sante_agrees",
    "je peux consulter mes données moi-même": "je_peux_consulter_mes_donnees_moi_meme_et_deposer_moi_meme",
    "je peux déposer moi-même des informations": "je_peux_deposer_moi_meme_des_informations",
    "permettre à une personne de l'aider": "permettre_a_une_personne_de_l_aider",
    "voir quel professionnel, identifié nominativement, quand, dans quel contexte et pour faire quoi": (
        "voir_quel_professionnel_identifie_nominativement_quand_dans_quel_contexte"
    ),
    "outils attestés conformes à la plateforme": "outils_attestes_conformes_a_la_plateforme",
    "authentification forte pour envoyer, lire ou récupérer": (
        "authentification_forte_pour_envoyer_lire_ou_recuperer"
    ),
    "«coffre-fort» localisé": "coffre_fort_localise",
    "huit familles de documents": "huit_familles_de_documents_et_leurs_auteurs",
}


@pytest.mark.parametrize("sentence", SENTENCES)
def test_the_sentence_has_its_journey(sentence):
    assert len(proving(SENTENCES[sentence])) == 1
